package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.verify.Verdict;
import dev.varve.verify.WalVerification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// `varve wal verify` beside PostgreSQL's own recovery of the same WAL on the same base: both
/// compare each page with the image that the WAL has of it. Once the whole process, which compiles
/// itself in its first seconds, and once as it goes on after them, as with an archive of many
/// gigabytes.
final class VerifyBench {

  private static final int RUNS = 5;
  private static final int WARM_UPS = 3;

  /// As many as the command keeps: 256 MiB.
  private static final int CACHED_PAGES = 32_768;

  private VerifyBench() {}

  static void run(Path scratch, Results results) throws Exception {
    SourceWal.Work work = SourceWal.Work.CHECKED_BANK;
    Path folder = scratch.resolve("verify");
    SourceWal source = SourceWal.make(folder, work);
    double megabytes = source.bytes() / 1e6;
    String what = "wal verify, %s, %.0f MB".formatted(SourceWal.name(work), megabytes);
    String peer = "PostgreSQL 15's recovery, with its checks";
    Results.Run recovery =
        () -> megabytes / Recovery.of(source, folder.resolve("recovery"), false).seconds();
    results.compare(
        what + ", the process",
        "MB/s",
        RUNS,
        true,
        () -> megabytes / process(source, folder.resolve("verify.log")),
        peer,
        recovery);
    for (int i = 0; i < WARM_UPS; i++) {
      verify(source, folder);
    }
    results.compare(
        what + ", compiled",
        "MB/s",
        RUNS,
        true,
        () -> megabytes / verify(source, folder),
        peer,
        recovery);
    Trees.delete(folder);
  }

  /// @return seconds
  private static double verify(SourceWal source, Path folder) throws IOException {
    long started = System.nanoTime();
    var options =
        new WalVerification.Options(
            source.base(),
            source.wal(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            folder,
            CACHED_PAGES);
    Verdict verdict = WalVerification.run(options, _ -> {});
    if (!verdict.isGood()) {
      throw new IOException("verification found " + verdict);
    }
    return (System.nanoTime() - started) / 1e9;
  }

  /// @return seconds
  private static double process(SourceWal source, Path log) throws Exception {
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
