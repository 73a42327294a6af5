package dev.varve.walreceiver.replication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.model.Lsn;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.ServerErrorException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// On a server of each version, which the tests leave running and without what they made.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ReplicationClientTest {

  private final Map<Integer, LocalCluster> servers = new HashMap<>();

  private LocalCluster server(int major) throws IOException {
    LocalCluster server = servers.get(major);
    if (server == null) {
      server = LocalCluster.builder(PostgresBinaries.of(major)).start();
      servers.put(major, server);
    }
    return server;
  }

  @AfterAll
  void stop() throws IOException {
    for (LocalCluster server : servers.values()) {
      server.close();
    }
  }

  private static ConnectionInfo info(LocalCluster cluster) {
    return ConnectionInfo.parse(cluster.connectionString("postgres"));
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void asksTheServerWhatItIs(int major) throws Exception {
    LocalCluster cluster = server(major);
    try (var client = ReplicationClient.connect(info(cluster));
        var database = SourceDatabase.connect(info(cluster))) {
      SystemIdentity identity = client.identifySystem();
      assertThat(identity.systemIdText())
          .isEqualTo(cluster.query("select system_identifier from pg_control_system()"));
      assertThat(identity.timeline()).isEqualTo(1);
      assertThat(client.major()).isEqualTo(major);
      assertThat(database.serverVersion()).isEqualTo(client.serverVersion());
      assertThat(client.isInRecovery()).isFalse();
      assertThat(client.show("wal_level")).isEqualTo("replica");
      assertThat(database.show("wal_segment_size")).isEqualTo("16MB");
      assertThat(database.currentLsn()).isGreaterThanOrEqualTo(identity.flushed());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void makesReadsAndDropsSlots(int major) throws Exception {
    LocalCluster cluster = server(major);
    try (var client = ReplicationClient.connect(info(cluster));
        var database = SourceDatabase.connect(info(cluster))) {
      client.createPhysicalSlot("varve_a", false);
      SlotState slot = database.slot("varve_a").orElseThrow();
      assertThat(slot.physical()).isTrue();
      assertThat(slot.restartLsn()).isPresent();
      if (major >= 15) {
        assertThat(client.readSlot("varve_a")).contains(slot);
        assertThat(client.readSlot("varve_b")).isEmpty();
      }
      assertThatThrownBy(() -> client.createPhysicalSlot("varve_a", false))
          .asInstanceOf(type(ServerErrorException.class))
          .extracting(ServerErrorException::sqlState)
          .isEqualTo("42710");
      client.dropSlot("varve_a");
      assertThat(database.slot("varve_a")).isEmpty();
      assertThatThrownBy(() -> client.dropSlot("it's \"gone\""))
          .isInstanceOf(ServerErrorException.class)
          .hasMessageContaining("it's \"gone\"");
      assertThat(client.show("port")).isEqualTo(String.valueOf(cluster.port()));
    }
  }

  /// The proof of a base backup is a PostgreSQL that starts from it.
  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void takesBaseBackupsUnderLoadThatPostgresStartsFrom(int major) throws Exception {
    LocalCluster cluster = server(major);
    var bank = new Tpcb(1, 2000);
    Path tablespace = cluster.newDirectory("space one");
    try (Connection connection = cluster.connect()) {
      bank.initialize(connection);
    }
    cluster.execute(
        "create tablespace one location '" + tablespace + "'",
        "create table t tablespace one as select generate_series(1, 1000) a");
    Path copy = cluster.newDirectory("copy");
    var backup = new Unpacker(copy, cluster.newDirectory("copy-tablespace"));
    BackupResult result;
    try (var _ = bank.start(cluster::connect, Load.Plan.endless(2, major));
        var client = ReplicationClient.connect(info(cluster))) {
      result = client.baseBackup(BackupOptions.standard().withWal(), backup);
      assertThat(client.show("wal_level")).isEqualTo("replica");
    }
    assertThat(backup.start).isEqualTo(result.start());
    assertThat(result.end()).isGreaterThan(result.start().start());
    assertThat(result.endTimeline()).isEqualTo(1);
    assertThat(result.bytes()).isEqualTo(backup.bytes).isGreaterThan(20_000_000);
    assertThat(result.start().estimatedBytes()).isGreaterThan(20_000_000);
    assertThat(result.start().tablespaces())
        .extracting(BackupTablespace::location)
        .containsExactly(tablespace.toString(), "");
    assertThat(backup.manifest).startsWith("{").contains("\"WAL-Ranges\"").endsWith("}\n");

    try (var restored = LocalCluster.existing(cluster.binaries(), copy).start();
        Connection connection = restored.connect()) {
      bank.verify(connection);
      assertThat(restored.query("select count(*) from t")).isEqualTo("1000");
    }
    cluster.execute("drop table t", "drop tablespace one");
  }

  @Test
  void aHandlerThatLeavesBytesUnreadLosesNothing() throws Exception {
    LocalCluster cluster = server(17);
    try (var client = ReplicationClient.connect(info(cluster))) {
      var bytes = new ArrayList<Integer>();
      BackupResult result =
          client.baseBackup(
              new BackupOptions("lazy", true, false, false, 0),
              (_, tar) -> {
                bytes.add(tar.read());
                bytes.add(tar.readNBytes(10).length);
              });
      assertThat(bytes).hasSize(2).last().isEqualTo(10);
      assertThat(result.bytes()).isGreaterThan(20_000_000);
      assertThat(client.identifySystem().timeline()).isEqualTo(1);
    }
  }

  @Test
  void anInterruptEndsABackup() throws Exception {
    LocalCluster cluster = server(17);
    try (var client = ReplicationClient.connect(info(cluster))) {
      assertThatThrownBy(() ->
              client.baseBackup(
                  BackupOptions.standard(), (_, _) -> Thread.currentThread().interrupt()))
          .hasMessageContaining("was given up on request");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void aHandlerThatFailsEndsTheBackup() throws Exception {
    LocalCluster cluster = server(17);
    try (var client = ReplicationClient.connect(info(cluster))) {
      assertThatThrownBy(() ->
              client.baseBackup(
                  BackupOptions.standard(),
                  (_, _) -> {
                    throw new IOException("disk full");
                  }))
          .hasMessage("disk full");
      assertThatThrownBy(client::identifySystem).isInstanceOf(IOException.class);
      while (!cluster.query("select count(*) from pg_stat_replication").equals("0")) {
        cluster.execute("select pg_sleep(0.05)");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void streamsTheWalAsItIsOnDisk(int major) throws Exception {
    LocalCluster cluster = server(major);
    try (var client = ReplicationClient.connect(info(cluster))) {
      client.createPhysicalSlot("s", false);
      Lsn start = new Lsn(Lsn.parse(cluster.query("select pg_switch_wal()")).value() & -0x1000000);
      cluster.execute("create table streamed as select generate_series(1, 50000) a");
      Lsn end = Lsn.parse(cluster.query("select pg_current_wal_lsn()"));
      var wal = new ByteArrayOutputStream();
      ReplicationStream stream = client.startReplication(Optional.of("s"), start, 1).orElseThrow();
      assertThatThrownBy(() ->
              stream.run(collector(wal, end.minus(start), client::close), Duration.ofSeconds(60)))
          .isInstanceOf(IOException.class);
      cluster.stop(StopMode.FAST);
      assertThat(wal.toByteArray()).startsWith(disk(cluster, start, (int) end.minus(start)));
      cluster.start();
      cluster.execute("drop table streamed", "select pg_drop_replication_slot('s')");
    }
  }

  @Test
  void aPromotedServerEndsTheStreamAndNamesTheNextTimeline() throws Exception {
    LocalCluster cluster = server(16);
    Path copy = cluster.newDirectory("standby");
    try (var client = ReplicationClient.connect(info(cluster))) {
      client.baseBackup(BackupOptions.standard().withWal(), new Unpacker(copy, copy));
    }
    Files.createFile(copy.resolve("standby.signal"));
    try (var standby =
            LocalCluster.existing(cluster.binaries(), copy).setting("hot_standby", "on").start();
        var client = ReplicationClient.connect(info(standby))) {
      assertThat(client.isInRecovery()).isTrue();
      SystemIdentity identity = client.identifySystem();
      ReplicationStream stream =
          client.startReplication(Optional.empty(), identity.flushed(), 1).orElseThrow();
      standby.execute("select pg_promote()");
      NextTimeline next =
          stream
              .run(collector(new ByteArrayOutputStream(), -1, () -> {}), Duration.ofSeconds(60))
              .orElseThrow();
      assertThat(next.timeline()).isEqualTo(2);
      assertThat(client.timelineHistory(2).fileName()).isEqualTo("00000002.history");
      assertThat(client.timelineHistory(2).content()).contains(next.start().toString());
      assertThat(client.startReplication(Optional.empty(), next.start(), 1)).isEmpty();
      assertThat(client.startReplication(Optional.empty(), next.start(), 2)).isPresent();
    }
  }

  private static WalHandler collector(ByteArrayOutputStream wal, long bytes, Runnable enough) {
    return new WalHandler() {
      @Override
      public void wal(long lsn, java.lang.foreign.MemorySegment segment, long offset, int length) {
        wal.writeBytes(
            segment.asSlice(offset, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
      }

      @Override
      public void heard(long serverEnd, boolean replyRequested) {
        if (bytes >= 0 && wal.size() >= bytes) {
          enough.run();
        }
      }
    };
  }

  private static byte[] disk(LocalCluster cluster, Lsn start, int length) throws IOException {
    var bytes = new ByteArrayOutputStream();
    for (long at = start.value(); bytes.size() < length; at += 0x1000000) {
      Path segment =
          cluster
              .dataDirectory()
              .resolve("pg_wal/00000001%08X%08X".formatted(at >>> 32, (at & 0xFFFFFFFFL) >> 24));
      bytes.writeBytes(Files.readAllBytes(segment));
    }
    return java.util.Arrays.copyOf(bytes.toByteArray(), length);
  }

  /// Unpacks with the system's tar, which knows nothing of us.
  private static final class Unpacker implements BackupHandler {
    private final Path data;
    private final Path tablespace;
    private BackupStart start = new BackupStart(Lsn.ZERO, 0, List.of());
    private String manifest = "";
    private long bytes;

    Unpacker(Path data, Path tablespace) {
      this.data = data;
      this.tablespace = tablespace;
    }

    @Override
    public void started(BackupStart begin) {
      start = begin;
    }

    @Override
    public void archive(BackupTablespace archive, InputStream tar) throws IOException {
      Path target = archive.isDataDirectory() ? data : tablespace;
      Process unpack = new ProcessBuilder("tar", "xf", "-", "-C", target.toString()).start();
      try (var pipe = unpack.getOutputStream()) {
        bytes += tar.transferTo(pipe);
      }
      try {
        assertThat(unpack.waitFor()).isZero();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      if (archive.isDataDirectory()) {
        // Elsewhere than on the source.
        Path map = data.resolve("tablespace_map");
        if (Files.exists(map) && Files.size(map) > 0) {
          String line = Files.readString(map);
          Files.writeString(map, line.substring(0, line.indexOf(' ') + 1) + tablespace + "\n");
        }
      }
    }

    @Override
    public void manifest(InputStream json) throws IOException {
      manifest = new String(json.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    }
  }
}
