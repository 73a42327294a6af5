/// What tests share: workloads, faults. Never in a production class path.
@NullMarked
package dev.varve.testkit;

import org.jspecify.annotations.NullMarked;
