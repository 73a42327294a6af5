/// What real servers are made to do while Varve follows them.
@NullMarked
package dev.varve.testkit.workload;

import org.jspecify.annotations.NullMarked;
