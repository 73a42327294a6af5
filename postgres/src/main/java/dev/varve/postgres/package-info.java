/// What PostgreSQL's bytes mean, versions 14 to 18. Pure: no I/O, no threads, no clock.
@NullMarked
package dev.varve.postgres;

import org.jspecify.annotations.NullMarked;
