/// The corpora: workloads that make a server write every type of record, and every path within a
/// type, and the verification of what it wrote.
///
/// {@link dev.varve.verify.corpus.Corpus} runs a server and verifies its log; the `…Workload` are
/// what is done with it; {@link dev.varve.verify.corpus.RecordPaths} counts what that made it
/// write, by a decoding of its own.
@NullMarked
package dev.varve.verify.corpus;

import org.jspecify.annotations.NullMarked;
