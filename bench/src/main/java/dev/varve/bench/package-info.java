/// Benchmarks, each beside its peer or a physical limit in the same run.
@NullMarked
package dev.varve.bench;

import org.jspecify.annotations.NullMarked;
