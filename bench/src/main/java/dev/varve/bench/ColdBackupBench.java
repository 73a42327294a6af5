package dev.varve.bench;

import dev.varve.cluster.Trees;
import dev.varve.datadir.ingest.WalIngest;
import dev.varve.datadir.restore.BaseBackup;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/// A whole data directory from a server that has nothing of it but in the object store, where each
/// request takes long, beside the same from files.
final class ColdBackupBench {

  private static final Duration DISTANCE = Duration.ofMillis(20);
  private static final Duration LONG = Duration.ofMinutes(10);

  private final Path folder;
  private final Path data;

  private ColdBackupBench(Path folder) {
    this.folder = folder;
    data = folder.resolve("data");
  }

  static void run(Path folder, Results results) throws Exception {
    SourceWal source = SourceWal.make(folder.resolve("source"), SourceWal.Work.BANK);
    new ColdBackupBench(folder).compare(source, results);
    Trees.delete(folder);
  }

  private void compare(SourceWal source, Results results) throws Exception {
    double near = near(source);
    Trees.delete(data);
    DistantStore store = store(DISTANCE);
    double far;
    try (var timelines = open(store)) {
      Timeline timeline = timelines.tenants().attach(new TenantId(1, 1)).getFirst();
      far = backup(timeline);
    }
    results.note(
        "base backup, all in the store, requests of 20 ms",
        "MB/s",
        far,
        "from files",
        near,
        true,
        1);
    results.note(
        "requests for it",
        "",
        (double) store.requests.sum(),
        "MB",
        store.bytes.sum() / 1e6,
        false,
        1);
  }

  private DistantStore store(Duration distance) throws IOException {
    return new DistantStore(
        DirectoryStore.open(folder.resolve("bucket"), InstantSource.system()), distance);
  }

  private BenchTimelines open(DistantStore store) throws IOException {
    return new BenchTimelines(data, threads -> RemoteBench.remote(store, folder, threads));
  }

  private double near(SourceWal source) throws Exception {
    try (var timelines = open(store(Duration.ZERO))) {
      Lsn start = IngestBench.checkpointOf(source);
      Timeline timeline = timelines.importDirectory("bank", source.base(), start);
      timeline.markImported(start);
      try (var ingest = new WalIngest(timeline)) {
        IngestBench.feed(source, ingest);
      }
      timeline.checkpoint();
      if (!timelines.tenants().upload(timeline, LONG)) {
        throw new IOException("not uploaded: " + timeline.uploadState());
      }
    }
    try (var timelines = open(store(Duration.ZERO))) {
      return backup(timelines.tenants().find("bank").orElseThrow());
    }
  }

  /// @return MB a second
  private static double backup(Timeline timeline) throws IOException {
    var counted = new CountedOutput();
    long begin = System.nanoTime();
    BaseBackup.of(timeline, timeline.lastRecordLsn(), Instant.now()).write(counted);
    return counted.bytes / 1e6 / ((System.nanoTime() - begin) / 1e9);
  }

  /// Counts what is written.
  private static final class CountedOutput extends OutputStream {

    private long bytes;

    @Override
    public void write(int one) {
      bytes++;
    }

    @Override
    public void write(byte[] some, int from, int length) {
      bytes += length;
    }
  }
}
