/// Tests of the whole: end to end on real PostgreSQL, and of the rules that hold for all modules.
@NullMarked
package dev.varve.e2e;

import org.jspecify.annotations.NullMarked;
