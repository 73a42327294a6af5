package dev.varve.bench;

import dev.varve.cluster.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// `varve wal verify`, the whole process with the JVM's start, beside PostgreSQL's own recovery of
/// the same WAL on the same base: both compare each page with the image that the WAL has of it.
final class VerifyBench {

  private static final int RUNS = 5;

  private VerifyBench() {}

  static void run(Path scratch, Results results) throws Exception {
    SourceWal.Work work = SourceWal.Work.CHECKED_BANK;
    Path folder = scratch.resolve("verify");
    SourceWal source = SourceWal.make(folder, work);
    double megabytes = source.bytes() / 1e6;
    results.compare(
        "wal verify, %s, %.0f MB".formatted(SourceWal.name(work), megabytes),
        "MB/s",
        RUNS,
        true,
        () -> megabytes / verify(source, folder.resolve("verify.log")),
        "PostgreSQL 15's recovery, with its checks",
        () -> megabytes / Recovery.of(source, folder.resolve("recovery"), false).seconds());
    Trees.delete(folder);
  }

  private static double verify(SourceWal source, Path log) throws Exception {
    long started = System.nanoTime();
    int status =
        new ProcessBuilder(
                System.getProperty("varve.launcher"),
                "wal",
                "verify",
                "--base",
                source.base().toString(),
                "--wal",
                source.wal().toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start()
            .waitFor();
    double seconds = (System.nanoTime() - started) / 1e9;
    if (status != 0) {
      throw new IOException(
          "varve wal verify ended with " + status + ":\n" + Files.readString(log));
    }
    return seconds;
  }
}
