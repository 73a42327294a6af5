package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.postgres.page.PageKind;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/// Redo of one page under more and more records of real runs ({@link RedoBenchmark}, by JMH), on
/// one thread and on two, beside the CPU time that PostgreSQL's own recovery takes for as many
/// records of the same WAL.
final class RedoBench {

  private static final int[] LENGTHS = {2, 10, 100, 227, RedoChains.LONGEST};
  private static final int PAGES = 64;
  private static final int RECOVERIES = 3;

  private RedoBench() {}

  static void run(Path scratch, Results results) throws Exception {
    measure(scratch, results, SourceWal.Work.REFILLS, PageKind.HEAP);
    measure(scratch, results, SourceWal.Work.UPDATES, PageKind.HEAP);
    measure(scratch, results, SourceWal.Work.INDEX_INSERTS, PageKind.BTREE);
    measure(scratch, results, SourceWal.Work.BANK, null);
  }

  private static void measure(
      Path scratch, Results results, SourceWal.Work work, @Nullable PageKind only)
      throws Exception {
    Path folder = scratch.resolve("redo-" + work);
    SourceWal source = SourceWal.make(folder, work);
    RedoChains chains = RedoChains.of(source, only);
    double[] recoveries = new double[RECOVERIES];
    for (int i = 0; i < RECOVERIES; i++) {
      recoveries[i] = Recovery.of(source, folder.resolve("recovery"), false).cpuSeconds();
    }
    double microsecondsARecord = 1e6 * Results.median(recoveries) / chains.records();
    for (int length : LENGTHS) {
      Path file = folder.resolve("chains");
      chains.write(file, length, PAGES);
      double alone = nanoseconds(file, 1) / 1e3;
      double both = nanoseconds(file, 2) / 1e3;
      String what = "redo, %s: a page and %d records".formatted(SourceWal.name(work), length);
      results.note(
          what,
          "us",
          alone,
          "PostgreSQL 15's recovery, CPU of %d records".formatted(length),
          microsecondsARecord * length,
          false,
          1);
      results.note(what + ", on two threads", "us a page", both / 2, "on one", alone, false, 1);
    }
    Trees.delete(folder);
  }

  private static double nanoseconds(Path chains, int threads) throws Exception {
    return new Runner(
            new OptionsBuilder()
                .include(RedoBenchmark.class.getName())
                .param("chains", chains.toString())
                .threads(threads)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .build())
        .runSingle()
        .getPrimaryResult()
        .getScore();
  }
}
