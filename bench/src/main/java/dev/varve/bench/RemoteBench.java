package dev.varve.bench;

import dev.varve.cluster.LocalS3;
import dev.varve.cluster.Trees;
import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.remote.ByteRange;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.remote.generation.FileGenerations;
import dev.varve.remote.s3.S3Settings;
import dev.varve.remote.s3.S3Store;
import dev.varve.task.TaskThreads;
import dev.varve.timeline.AbsentLayers;
import dev.varve.timeline.Remote;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;

/// The object store: attaching a tenant and its first page, with requests that take long; moving
/// layers, beside the bare client; what is uploaded for the WAL of a bank.
final class RemoteBench {

  private static final int PAGES = 10 * (1 << 17);
  private static final int SOME_PAGES = 1 << 17;
  private static final int RUNS = 5;
  private static final int AT_ONCE = 4;
  private static final Duration DISTANCE = Duration.ofMillis(20);
  private static final Duration LONG = Duration.ofMinutes(10);
  private static final TenantId TENANT = new TenantId(1, 1);

  private RemoteBench() {}

  static void run(Path scratch, Results results) throws Exception {
    Path folder = Files.createDirectory(scratch.resolve("remote"));
    attach(Files.createDirectory(folder.resolve("attach")), results);
    throughput(Files.createDirectory(folder.resolve("throughput")), results);
    amplification(Files.createDirectory(folder.resolve("wal")), results);
    ColdBackupBench.run(Files.createDirectory(folder.resolve("backup")), results);
    Trees.delete(folder);
  }

  private static TimelineSettings settings() {
    return new TimelineSettings(384L << 20, 128L << 20, 64L << 20, Duration.ofMinutes(10), 2);
  }

  static Remote remote(ObjectStore store, Path folder, TaskThreads threads) {
    try {
      return new Remote(
          new RemoteStorage(store, threads, new SplittableRandom(1), RemoteLimits.DEFAULT),
          FileGenerations.open(folder.resolve("generations")));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static ObjectStore bucket(Path folder) throws IOException {
    return DirectoryStore.open(folder.resolve("bucket"), InstantSource.system());
  }

  private static void attach(Path folder, Results results) throws Exception {
    ObjectStore near = bucket(folder);
    try (var fixture =
        new StorageFixture(
            folder.resolve("data"), settings(), threads -> remote(near, folder, threads))) {
      upload(fixture.tenants(), fixture.make("large", PAGES));
    }
    Trees.delete(folder.resolve("data"));
    double[] attached = new double[RUNS];
    double[] read = new double[RUNS];
    double[] requests = new double[RUNS];
    double[] bytes = new double[RUNS];
    MemorySegment page = Arena.ofAuto().allocate(StorageFixture.PAGE);
    for (int run = 0; run < RUNS; run++) {
      var store = new DistantStore(bucket(folder), DISTANCE);
      try (var fixture =
          new StorageFixture(
              folder.resolve("other"), settings(), threads -> remote(store, folder, threads))) {
        long begin = System.nanoTime();
        Timeline timeline = fixture.tenants().attach(TENANT).getFirst();
        attached[run] = (System.nanoTime() - begin) / 1e6;
        Thread.sleep(1000); // what the attach still does in the background
        long requestsBefore = store.requests.sum();
        long bytesBefore = store.bytes.sum();
        begin = System.nanoTime();
        timeline.page(StorageFixture.key(run * 1000), timeline.lastRecordLsn(), page);
        read[run] = (System.nanoTime() - begin) / 1e6;
        requests[run] = store.requests.sum() - requestsBefore;
        bytes[run] = (store.bytes.sum() - bytesBefore) / 1024.0;
      }
      Trees.delete(folder.resolve("other"));
    }
    Trees.delete(folder);
    String far = " of 10 GiB, requests of 20 ms";
    results.note("attach a tenant" + far, "ms", median(attached), "a request", 20, false, RUNS);
    results.note("its first page" + far, "ms", median(read), "limit", 100, false, RUNS);
    results.note("requests for it", "", median(requests), "limit", 3, false, RUNS);
    results.note("what they fetch", "KiB", median(bytes), "limit", 1024, false, RUNS);
  }

  private static double median(double[] figures) {
    double[] sorted = figures.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static void upload(Tenants tenants, Timeline timeline) throws IOException {
    if (!tenants.upload(timeline, LONG)) {
      throw new IOException("not uploaded: " + timeline.uploadState());
    }
  }

  /// Layers of a timeline into an S3 server and back, beside the same files moved by the client
  /// alone, as many at once.
  private static void throughput(Path folder, Results results) throws Exception {
    System.setProperty("aws.accessKeyId", LocalS3.KEY);
    System.setProperty("aws.secretAccessKey", LocalS3.SECRET);
    try (LocalS3 server = LocalS3.start(folder.resolve("s3"), "bench")) {
      StoreAddress.S3 address = (StoreAddress.S3) StoreAddress.parse(server.address());
      Path data = folder.resolve("data");
      try (var fixture = new StorageFixture(data, settings())) {
        fixture.make("some", SOME_PAGES);
      }
      List<Path> layers = layers(data);
      double megabytes = 0;
      for (Path layer : layers) {
        megabytes += Files.size(layer) / 1e6;
      }
      double all = megabytes;
      results.compare(
          "upload of %.0f MB of layers".formatted(all),
          "MB/s",
          RUNS,
          true,
          () -> all / timelineUpload(address, data, folder, false),
          "the client alone",
          () -> all / bare(address, layers, (store, file) -> put(store, file)));
      timelineUpload(address, data, folder, true);
      results.compare(
          "download of %.0f MB of layers, checked and synced".formatted(all),
          "MB/s",
          RUNS,
          true,
          () -> all / timelineDownload(address, folder),
          "the client alone, synced",
          () -> all / bare(address, layers, (store, file) -> get(store, file, folder)));
    }
    Trees.delete(folder);
  }

  private static List<Path> layers(Path data) throws IOException {
    try (Stream<Path> files = Files.walk(data)) {
      return files.filter(file -> file.getFileName().toString().contains("-v1")).toList();
    }
  }

  private static S3Store open(StoreAddress.S3 address) throws IOException {
    return S3Store.open(address, S3Settings.DEFAULT, InstantSource.system());
  }

  /// @param keep whether the objects stay
  /// @return seconds, of the upload alone
  private static double timelineUpload(
      StoreAddress.S3 address, Path data, Path folder, boolean keep) throws Exception {
    Path copy = folder.resolve("copy");
    SourceWal.copy(data, copy);
    ObjectStore store = open(address);
    try (var fixture =
        new StorageFixture(copy, settings(), threads -> remote(store, copy, threads))) {
      long begin = System.nanoTime();
      upload(fixture.tenants(), fixture.tenants().find("some").orElseThrow());
      return (System.nanoTime() - begin) / 1e9;
    } finally {
      store.close();
      Trees.delete(copy);
      if (!keep) {
        Trees.delete(folder.resolve("s3/bench/tenants"));
      }
    }
  }

  /// What is done with a file.
  private interface Move {
    void move(ObjectStore store, Path file) throws IOException, InterruptedException;
  }

  private static double bare(StoreAddress.S3 address, List<Path> files, Move move)
      throws Exception {
    try (ObjectStore store = open(address)) {
      long begin = System.nanoTime();
      atOnce(files, file -> move.move(store, file));
      return (System.nanoTime() - begin) / 1e9;
    }
  }

  private interface Work {
    void run(Path file) throws IOException, InterruptedException;
  }

  private static void atOnce(List<Path> files, Work work) throws Exception {
    try (var threads = Executors.newFixedThreadPool(AT_ONCE)) {
      List<Future<Boolean>> moves = new ArrayList<>();
      for (Path file : files) {
        moves.add(threads.submit(task(file, work)));
      }
      for (Future<Boolean> move : moves) {
        move.get();
      }
    }
  }

  private static Callable<Boolean> task(Path file, Work work) {
    return () -> {
      work.run(file);
      return true;
    };
  }

  private static ObjectName name(Path file) {
    return new ObjectName("bare/" + file.getFileName());
  }

  private static void put(ObjectStore store, Path file) throws IOException, InterruptedException {
    store.put(name(file), Content.of(file), PutCondition.ALWAYS, LONG);
  }

  private static void get(ObjectStore store, Path file, Path folder)
      throws IOException, InterruptedException {
    Path target = folder.resolve("got-" + file.getFileName());
    try (FileChannel channel =
        FileChannel.open(target, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ObjectState _ = store.get(name(file), ByteRange.WHOLE, Sink.to(channel, 0), LONG);
      channel.force(true);
    }
    Files.delete(target);
  }

  /// @return seconds, from the request to the last layer
  private static double timelineDownload(StoreAddress.S3 address, Path folder) throws Exception {
    Path empty = folder.resolve("empty");
    ObjectStore store = open(address);
    try (var fixture =
        new StorageFixture(empty, settings(), threads -> remote(store, folder, threads))) {
      Timeline timeline = fixture.tenants().attach(TENANT).getFirst();
      long begin = System.nanoTime();
      while (AbsentLayers.fetch(timeline).layers() > 0) {
        Thread.sleep(2);
      }
      return (System.nanoTime() - begin) / 1e9;
    } finally {
      store.close();
      Trees.delete(empty);
    }
  }

  /// What comes into the store for the WAL of TPC-B-like transactions, taken in as fast as it goes,
  /// and what that costs at S3's list prices.
  private static void amplification(Path folder, Results results) throws Exception {
    SourceWal source = SourceWal.make(folder.resolve("source"), SourceWal.Work.BANK);
    ObjectStore store = new DistantStore(bucket(folder), Duration.ZERO);
    try (var timelines =
        new BenchTimelines(folder.resolve("data"), threads -> remote(store, folder, threads))) {
      Lsn start = IngestBench.checkpointOf(source);
      Timeline timeline = timelines.importDirectory("bank", source.base(), start);
      timeline.markImported(start);
      upload(timelines.tenants(), timeline);
      long before = timeline.metrics().counts().bytesUploaded();
      long requests = ((DistantStore) store).requests.sum();
      try (var ingest = new WalIngest(timeline)) {
        IngestBench.feed(source, ingest);
      }
      timeline.checkpoint();
      upload(timelines.tenants(), timeline);
      double uploaded = timeline.metrics().counts().bytesUploaded() - before;
      results.note(
          "bytes uploaded for a byte of WAL, bank, %.0f MB".formatted(source.bytes() / 1e6),
          "",
          uploaded / source.bytes(),
          "Neon",
          1.39,
          false,
          1);
      double puts = ((DistantStore) store).requests.sum() - requests;
      results.note(
          "requests for a TB of WAL, in US dollars at 0.005 for 1,000",
          "$",
          puts / (source.bytes() / 1e12) * 0.005 / 1000,
          "storage of a TB for a month",
          23,
          false,
          1);
    }
    Trees.delete(folder);
  }
}
