package dev.varve.bench;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/// Making a branch, durably, beside the least that a disk lets anyone do: writing a small file and
/// its directory durably.
final class BranchBench {

  private static final int BRANCHES = 100;

  private BranchBench() {}

  static void run(Path scratch, Results results) throws Exception {
    Path folder = scratch.resolve("branch");
    SourceWal source = SourceWal.make(folder, SourceWal.Work.BANK);
    try (var timelines = new BenchTimelines(folder.resolve("varve"))) {
      Timeline timeline =
          timelines.importDirectory("bench", source.base(), IngestBench.checkpointOf(source));
      try (var ingest = new WalIngest(timeline)) {
        IngestBench.feed(source, ingest);
        timeline.markImported(timeline.lastRecordLsn());
      }
      Lsn at = timeline.lastRecordLsn();
      results.compare(
          "branch creation, " + BRANCHES + " of them, each",
          "ms",
          3,
          false,
          () -> milliseconds(() -> timelines.branch(timeline, at)),
          "a file of 1 KiB, it and its directory synced",
          () -> milliseconds(new SyncedFile(folder)));
    }
  }

  private interface Step {
    void run() throws IOException;
  }

  private static double milliseconds(Step step) throws IOException {
    double[] times = new double[BRANCHES];
    for (int i = 0; i < BRANCHES; i++) {
      long started = System.nanoTime();
      step.run();
      times[i] = (System.nanoTime() - started) / 1e6;
    }
    return Results.median(times);
  }

  /// Writes a new small file and its directory's entry, durably, each time.
  private static final class SyncedFile implements Step {

    private final Path folder;
    private int count;

    SyncedFile(Path folder) {
      this.folder = folder;
    }

    @Override
    public void run() throws IOException {
      Path file = folder.resolve("synced-" + System.nanoTime() + "-" + count++);
      try (FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.allocate(1024));
        channel.force(true);
      }
      try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
        directory.force(true);
      }
    }
  }
}
