package dev.varve.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.backup.BackupImport;
import dev.varve.datadir.backup.ImportProgress;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.redo.Redo;
import dev.varve.task.Backoff;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.BackupHandler;
import dev.varve.walreceiver.replication.BackupOptions;
import dev.varve.walreceiver.replication.BackupStart;
import dev.varve.walreceiver.replication.BackupTablespace;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One run of Varve's side: a timeline that follows a server; the next run goes on with its files.
final class Side implements AutoCloseable {

  private static final Duration LIMIT = Duration.ofMinutes(3);
  private static final ReceiverSettings SETTINGS =
      new ReceiverSettings(
          Duration.ofMillis(100),
          Duration.ofSeconds(20),
          new Backoff(Duration.ofMillis(50), Duration.ofMillis(500)),
          Duration.ofMillis(300));

  private final TaskManager tasks =
      new TaskManager(new RealThreads(InstantSource.system(), 2), Duration.ofSeconds(10));
  private final Tenants tenants;

  Side(Path folder) throws IOException {
    tenants =
        Tenants.open(
            folder,
            major -> new Redo(PgVersion.ofMajor(major))::apply,
            tasks,
            TimelineSettings.ofMemory(64 << 20));
  }

  Timeline timeline() {
    return tenants.find("followed").orElseThrow();
  }

  WalReceiver follow(Source source) {
    return new WalReceiver(tasks, "followed", source, TimelineSink.into(timeline()), SETTINGS);
  }

  void importFrom(Source source) throws Exception {
    var files = new Importer(source);
    Lsn end;
    try (var client = ReplicationClient.connect(source.connection())) {
      end = client.baseBackup(BackupOptions.standard(), files).end();
    }
    files.finish();
    try (var receiver = follow(source)) {
      await(receiver, () -> !timeline().lastRecordLsn().isBefore(end));
    }
    timeline().markImported(end);
  }

  @Override
  public void close() throws IOException {
    tenants.close();
    tasks.close();
  }

  private final class Importer implements BackupHandler {

    private final Source source;
    private @Nullable BackupImport files;

    Importer(Source source) {
      this.source = source;
    }

    @Override
    public void started(BackupStart start) {
      Timeline timeline =
          tenants.createRoot(
              new TenantId(1, 2),
              new TimelineId(3, 4),
              "followed",
              source.major(),
              start.start(),
              Map.of());
      files = new BackupImport(timeline, ImportProgress.NONE);
    }

    private BackupImport files() {
      if (files == null) {
        throw new IllegalStateException("not started");
      }
      return files;
    }

    @Override
    public void archive(BackupTablespace tablespace, InputStream tar) throws IOException {
      files().tar(tar, tablespace.oid(), true);
    }

    void finish() {
      files().finish();
      files().close();
    }
  }

  /// Compares a database's relations with the files of a stopped server.
  ///
  /// @return how many pages
  int samePages(LocalCluster stopped, int database) throws IOException {
    DataDirectory view = DataDirectory.at(timeline(), timeline().lastRecordLsn());
    int pages = 0;
    try (var files = Files.list(stopped.dataDirectory().resolve("base/" + database))) {
      for (Path file : files.toList()) {
        pages += compare(view, database, file);
      }
    }
    return pages;
  }

  static int database(LocalCluster cluster) throws Exception {
    return Integer.parseInt(
        cluster.query("select oid from pg_database where datname = 'postgres'"));
  }

  private static int compare(DataDirectory view, int database, Path file) throws IOException {
    String name = file.getFileName().toString();
    if (!name.matches("\\d+")) {
      return 0;
    }
    var fork = new RelationFork(1663, database, Integer.parseInt(name), 0);
    byte[] bytes = Files.readAllBytes(file);
    int blocks = view.blocks(fork);
    // The server makes room ahead without a record.
    assertThat(blocks).as("%s", fork).isLessThanOrEqualTo(bytes.length / Page.SIZE);
    MemorySegment ours = MemorySegment.ofArray(new byte[Page.SIZE]);
    for (int block = 0; block < blocks; block++) {
      MemorySegment theirs =
          MemorySegment.ofArray(
              Arrays.copyOfRange(bytes, block * Page.SIZE, (block + 1) * Page.SIZE));
      view.page(fork, block, ours);
      PageMask.byLooks(ours, block);
      PageMask.byLooks(theirs, block);
      assertThat(ours.mismatch(theirs)).as("%s block %d", fork, block).isEqualTo(-1);
    }
    return blocks;
  }

  static ConnectionInfo info(LocalCluster cluster) {
    return ConnectionInfo.parse(cluster.connectionString("postgres"));
  }

  static Source source(LocalCluster cluster) throws Exception {
    ConnectionInfo info = info(cluster);
    try (var client = ReplicationClient.connect(info)) {
      SourceFacts facts = Preflight.check(client);
      client.createPhysicalSlot("varve", false);
      return new Source(info, Optional.of("varve"), facts.identity().systemId(), facts.major());
    }
  }

  static void await(WalReceiver receiver, Condition condition) throws Exception {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("%s", receiver.status()).isLessThan(deadline);
      Thread.sleep(Duration.ofMillis(20));
    }
  }

  interface Condition {
    boolean holds();
  }
}
