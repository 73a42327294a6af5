/// What tests share: workloads, page masks, faults. Never in a production class path.
@NullMarked
package dev.varve.testkit;

import org.jspecify.annotations.NullMarked;
