/// What tests share: workloads, faults. Nothing that serves data knows it; the simulation does,
/// which is of the `varve` command as well.
@NullMarked
package dev.varve.testkit;

import org.jspecify.annotations.NullMarked;
