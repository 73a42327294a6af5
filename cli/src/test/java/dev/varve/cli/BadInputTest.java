package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.BackupHandler;
import dev.varve.walreceiver.replication.BackupOptions;
import dev.varve.walreceiver.replication.BackupTablespace;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What people get wrong: each is one sentence on standard error and exit code 1, and nothing has
/// changed afterwards: no timeline, no slot at the source, no file.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputTest {

  private LiveServer live;
  private List<String> before;
  @TempDir private Path folder;

  @BeforeAll
  void serve() throws Exception {
    live = new LiveServer();
    before = live.traces();
    assertThat(before.stream().filter(name -> name.endsWith("timeline.json"))).hasSize(1);
    assertThat(before.getLast()).startsWith("varve_");
  }

  @AfterAll
  void stop() throws IOException {
    live.close();
  }

  @AfterEach
  void nothingHasChanged() throws Exception {
    assertThat(live.traces()).isEqualTo(before);
  }

  private CommandRun importFrom(String conninfo, String name) {
    return live.run("import", "--from", conninfo, "--name", name);
  }

  @Test
  void wrongCredentials() {
    importFrom(live.conninfo().replace("'right'", "'wrong'"), "x")
        .refused("password authentication failed for user \"postgres\"");
    importFrom(live.conninfo().replace("user=postgres", "user=nobody"), "x")
        .refused("password authentication failed for user \"nobody\"");
  }

  @Test
  void noPassword() {
    importFrom(live.conninfo().replaceFirst(" password=.*", "") + " passfile=/nowhere", "x")
        .refused("password");
  }

  @Test
  void noReplicationPermission() {
    importFrom(live.conninfo().replace("user=postgres", "user=limited"), "x")
        .refused("run ALTER ROLE", "REPLICATION");
  }

  @Test
  void walLevelMinimal() throws Exception {
    try (var minimal =
        LocalCluster.builder(PostgresBinaries.of(17))
            .setting("wal_level", "minimal")
            .setting("max_wal_senders", "0")
            .start()) {
      importFrom(minimal.connectionString("postgres"), "x").refused("set wal_level = replica");
    }
  }

  @Test
  void noFreeSlot() throws Exception {
    try (var full =
        LocalCluster.builder(PostgresBinaries.of(17))
            .setting("max_replication_slots", "1")
            .start()) {
      full.execute("select pg_create_physical_replication_slot('taken')");
      importFrom(full.connectionString("postgres"), "x").refused("raise max_replication_slots");
      assertThat(full.query("select string_agg(slot_name, ' ') from pg_replication_slots"))
          .isEqualTo("taken");
    }
  }

  /// Has a port that nobody listens on, and nobody else can take.
  private static Socket unused() throws IOException {
    var socket = new Socket();
    socket.bind(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0));
    return socket;
  }

  @Test
  void unreachableServer() throws IOException {
    try (Socket unused = unused()) {
      int port = unused.getLocalPort();
      importFrom("host=127.0.0.1 port=" + port + " user=u", "x").refused("127.0.0.1", "" + port);
    }
    importFrom("host=no-such-host.invalid user=u", "x").refused("no-such-host.invalid");
  }

  @ParameterizedTest
  @ValueSource(strings = {"host", "host='x", "nonsense=1", "postgresql://[", "port=70000 host=a"})
  void malformedConnectionString(String conninfo) {
    importFrom(conninfo, "x").refused("--from: ");
  }

  @Test
  void nameInUse() {
    importFrom(live.conninfo(), "production").refused("there is a timeline production already");
    live.run("branch", "production", "production")
        .refused("there is a timeline \"production\" already; choose another name");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "a b",
        "../x",
        ".x",
        "ä",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
      })
  void malformedName(String name) {
    importFrom(live.conninfo(), name).refused("can't be a name: use up to 63 letters");
    live.run("branch", "production", name).refused("can't be a name: use up to 63 letters");
  }

  /// A base backup of the server, as pg_basebackup writes it, without WAL.
  private Path baseBackup() throws IOException {
    Path tar = folder.resolve("base.tar");
    var handler =
        new BackupHandler() {
          @Override
          public void archive(BackupTablespace tablespace, InputStream bytes) throws IOException {
            Files.copy(bytes, tar);
          }

          @Override
          public void manifest(InputStream json) throws IOException {
            Files.copy(json, folder.resolve("backup_manifest"));
          }
        };
    try (var client = ReplicationClient.connect(ConnectionInfo.parse(live.conninfo()))) {
      client.baseBackup(BackupOptions.standard(), handler);
    }
    return tar;
  }

  private CommandRun importTar(Path tar, Path wal) {
    return live.run("import", "--tar", tar.toString(), "--wal", wal.toString(), "--name", "x");
  }

  @Test
  void backupsThatAreNotWhole() throws IOException {
    Path tar = baseBackup();
    Path wal = Files.createDirectory(folder.resolve("wal"));
    importTar(tar, wal).refused("WAL");
    importTar(tar, folder.resolve("absent")).refused("there is no folder " + folder + "/absent");
    byte[] whole = Files.readAllBytes(tar);
    for (int length : new int[] {0, 100, 512, 5000, whole.length / 2, whole.length - 2000}) {
      Files.write(tar, Arrays.copyOf(whole, length));
      importTar(tar, wal).refused(tar.toString());
    }
    Arrays.fill(whole, (byte) 'x');
    Files.write(tar, whole);
    importTar(tar, wal).refused(tar.toString());
    Path absent = folder.resolve("absent.tar");
    importTar(absent, wal).refused(absent.toString());
    importTar(wal, wal).refused("base.tar");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "F/F0000000 | F/F0000000 is in the future of timeline \"production\", which is at",
        "0/8 | has no history as of 0/8; the earliest it has is as of",
        "0/1 | has no history as of 0/1; the earliest it has is as of",
        "2001-01-01 00:00:00Z | is before the history of production, which begins with",
        "F/G | --at: \"F/G\" is not an LSN; an LSN looks like 0/16B3748",
        "1/2/3 | is not an LSN",
        "yesterday | --at takes an LSN such as 0/16B3748 or a time such as",
        "2026-02-30 12:00 | --at takes an LSN such as",
      })
  void aBranchAtAMomentThatIsNone(String at, String finding) {
    live.run("branch", "production", "x", "--at", at).refused(finding);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "F/F0000000 | F/F0000000",
        "0/8 | 0/8",
        "2001-01-01 00:00:00Z | is before the history of production",
        "F/G | is not an LSN",
        "yesterday | --at takes an LSN such as",
      })
  void aRestoreAtAMomentThatIsNone(String at, String finding) {
    Path target = folder.resolve("deep/restored");
    live.run("restore", "production", "--to", target.toString(), "--at", at).refused(finding);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aTargetThatIsNotEmpty() throws IOException {
    Path target = Files.createDirectory(folder.resolve("full"));
    Path file = Files.writeString(target.resolve("precious"), "x");
    live.run("restore", "production", "--to", target.toString())
        .refused("is not empty; restore into an empty or a missing directory");
    live.run("restore", "production", "--to", file.toString()).refused(file + " is a file");
    live.run("restore", "production", "--to", file.resolve("below").toString())
        .refused(file.toString());
    Path free = folder.resolve("free");
    Files.createDirectory(folder.resolve("free.tablespaces"));
    live.run("restore", "production", "--to", free.toString()).refused("free.tablespaces");
    try (Stream<Path> left = Files.walk(folder)) {
      assertThat(left.filter(Files::isRegularFile)).containsExactly(file);
    }
    assertThat(free).doesNotExist();
  }

  @Test
  void unknownTimeline() {
    String finding = "there is no timeline nobody; varve list shows them";
    live.run("show", "nobody").refused(finding);
    live.run("wait", "nobody", "--lsn", "0/8").refused(finding);
    live.run("branch", "nobody", "x").refused(finding);
    live.run("restore", "nobody", "--to", folder.resolve("x").toString()).refused(finding);
    live.run("page", "nobody", "1663/5/1259", "0").refused(finding);
    live.run("delete", "nobody").refused(finding);
    live.run("show", "a/b c").refused("there is no timeline a/b c");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void lsnsThatAreNone() {
    live.run("wait", "production", "--lsn", "x").refused("--lsn: \"x\" is not an LSN");
    live.run("wait", "production", "--lsn", "F/F0000000", "--timeout", "0")
        .refused("F/F0000000", "production");
    live.run("page", "production", "1663/5/1259", "0", "--at", "x")
        .refused("--at: \"x\" is not an LSN");
    live.run("page", "production", "1663/5/1259", "0", "--at", "F/F0000000").refused("F/F0000000");
  }

  @Test
  void pagesThatAreNone() {
    live.run("page", "production", "1259", "0")
        .refused("a relation is tablespace/database/relfilenode");
    live.run("page", "production", "1663/5/4000000", "0").refused("there is no relation");
    live.run("page", "production", "1663/5/1259", "100000").refused("there is no block 100000");
    live.run("page", "production", "1663/5/1259", "x").refused("\"x\" is not a number");
    live.run("page", "production", "1663/5/1259", "0", "--fork", "side")
        .refused("--fork is one of main, fsm, vm, init");
  }

  @Test
  void noServer() throws IOException {
    try (Socket unused = unused()) {
      String url = "http://127.0.0.1:" + unused.getLocalPort();
      CommandRun.of("list", "--server", url)
          .refused("no server answers at " + url + "; start one with: varve serve");
    }
    CommandRun.of("list", "--server", "http://no-such-host.invalid")
        .refused("no server answers at http://no-such-host.invalid");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ftp://127.0.0.1", "http://", "a b", "file:///etc/passwd", ""})
  void noUrl(String url) {
    CommandRun.of("list", "--server", url)
        .refused("--server takes a URL such as http://127.0.0.1:9898, not \"" + url + "\"");
  }

  @Test
  void aServerThatIsNoVarve() throws IOException {
    CommandRun.of("list", "--server", "127.0.0.1:" + live.cluster.port()).refused("127.0.0.1");
    var other =
        com.sun.net.httpserver.HttpServer.create(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    other.createContext(
        "/v1/timeline",
        exchange -> {
          exchange.sendResponseHeaders(200, 5);
          exchange
              .getResponseBody()
              .write("Hello".getBytes(java.nio.charset.StandardCharsets.UTF_8));
          exchange.close();
        });
    other.createContext(
        "/v1/timeline/nobody",
        exchange -> {
          exchange.sendResponseHeaders(502, -1);
          exchange.close();
        });
    other.createContext(
        "/v1/timeline/strange",
        exchange -> {
          exchange.sendResponseHeaders(200, 2);
          exchange.getResponseBody().write("[]".getBytes(java.nio.charset.StandardCharsets.UTF_8));
          exchange.close();
        });
    other.start();
    String url = "http://127.0.0.1:" + other.getAddress().getPort();
    try {
      CommandRun.of("list", "--server", url)
          .refused("answered something that is not JSON; is it a Varve server?");
      CommandRun.of("show", "nobody", "--server", url).refused("answered with HTTP status 502");
      CommandRun.of("delete", "strange", "--server", url).refused("is it a Varve server?");
    } finally {
      other.stop(0);
    }
  }

  @Test
  void aTimelineWithBranchesIsNotDeleted() throws Exception {
    live.run("branch", "production", "child").worked();
    live.run("delete", "production").refused("can't be deleted before its branches: child");
    live.run("delete", "child").worked();
  }
}
