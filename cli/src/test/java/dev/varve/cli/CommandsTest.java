package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.BackupOptions;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The commands on a server that follows another, as people and as programs use them.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CommandsTest {

  private LiveServer live;
  private String lsn;

  @BeforeAll
  void serve() throws Exception {
    live = new LiveServer();
    live.cluster.execute("create table since_the_import (v text)");
    lsn = live.caughtUp();
  }

  @AfterAll
  void stop() throws IOException {
    live.close();
  }

  private JsonNode json(String... words) {
    var all = new java.util.ArrayList<>(List.of(words));
    all.add("--json");
    CommandRun run = live.run(all.toArray(String[]::new)).worked();
    assertThat(run.err()).isEmpty();
    return ServerClient.JSON.readTree(run.out());
  }

  @Test
  void importSaysWhatItDid() {
    assertThat(live.imported.out())
        .matches(
            "production is imported: PostgreSQL 17, readable from [0-9A-F]+/[0-9A-F]+ on"
                + " \\(.* m?s\\)\n");
    assertThat(live.imported.err()).isEmpty();
  }

  @Test
  void listHasALineForEach() {
    assertThat(live.run("list").worked().out())
        .matches(
            "(?s)NAME +STATE +POSTGRESQL +BRANCH OF +LAST LSN +SIZE +FOLLOWS\n"
                + ".*production +active +17 +- .*\\(streaming\\)\n.*");
    assertThat(json("list").isArray()).isTrue();
  }

  @Test
  void configureSaysWhatHoldsForATenant() {
    String tenant = json("show", "production").path("tenant_id").asString();
    String ofServer = "PITR interval: 7d, as the server's --pitr-interval says\n";
    assertThat(live.run("configure", tenant).worked().out()).isEqualTo(ofServer);
    assertThat(live.run("configure", tenant, "--pitr-interval", "30d").worked().out())
        .isEqualTo("PITR interval: 30d, as is set for this tenant\n");
    live.run("configure", tenant, "--pitr-interval", "soon")
        .refused("--pitr-interval takes a time such as 7d");
    live.run("configure", "1".repeat(32), "--reset").refused("there is no tenant");
    JsonNode shown = json("configure", tenant);
    assertThat(shown.path("configuration").path("pitr_interval").asString()).isEqualTo("30d");
    assertThat(live.run("configure", tenant, "--reset").worked().out()).isEqualTo(ofServer);
  }

  @Test
  void showSaysWhatCanBeRestored() {
    assertThat(live.run("show", "production").worked().out())
        .containsPattern("name +production\n")
        .containsPattern("state +active\n")
        .containsPattern("restorable LSNs +[0-9A-F]+/[0-9A-F]+ to [0-9A-F]+/[0-9A-F]+\n")
        .containsPattern("restorable times +20[^ ]+Z to 20[^ ]+Z\n")
        .containsPattern("WAL receiver +streaming\n")
        .doesNotContain("right");
    JsonNode shown = json("show", "production");
    assertThat(shown.path("state").asString()).isEqualTo("active");
    assertThat(shown.toString()).doesNotContain("right");
  }

  @Test
  void waitSaysWhereItIs() {
    assertThat(live.run("wait", "production", "--lsn", lsn).worked().out())
        .matches("production is at [0-9A-F]+/[0-9A-F]+\n");
    assertThat(json("wait", "production", "--lsn", lsn).path("last_record_lsn").isString())
        .isTrue();
  }

  @Test
  void aPageIsShownAsPageinspectWould() throws Exception {
    String relation =
        "1663/"
            + live.cluster.query("select oid from pg_database where datname = 'postgres'")
            + "/"
            + live.cluster.query("select pg_relation_filenode('t')");
    String shown = live.run("page", "production", relation, "0", "--at", lsn).worked().out();
    assertThat(shown)
        .startsWith(relation + ", fork main, block 0, as of " + lsn + ": heap\n")
        .contains("(right)", "page size 8192", "layout 4", "ITEM", "xmin");
    JsonNode page = json("page", "production", relation, "0");
    assertThat(page.path("header").path("pageSize").asInt()).isEqualTo(8192);
    assertThat(page.path("items").size()).isGreaterThan(100);
  }

  @Test
  void aBranchIsMadeAndDeleted() throws Exception {
    assertThat(live.run("branch", "production", "past", "--at", lsn).worked().out())
        .matches("past branches off production at " + lsn + " \\(.* m?s\\)\n");
    live.cluster.execute("insert into t values (5000, 'later')");
    String time = live.cluster.query("select clock_timestamp()");
    JsonNode timed = json("branch", "production", "timed", "--at", time);
    assertThat(timed.path("ancestor_name").asString()).isEqualTo("production");
    JsonNode now = json("branch", "production", "now");
    assertThat(now.path("name").asString()).isEqualTo("now");
    String between = Lsn.parse(lsn).plus(3).toString();
    assertThat(live.run("branch", "production", "between", "--at", between).worked().out())
        .startsWith(
            "between branches off production at %s, the last LSN before %s where a record may end, ("
                .formatted(lsn, between));
    live.run("delete", "between").worked();
    assertThat(live.run("list").worked().out()).contains("past", "timed", "production at " + lsn);
    assertThat(live.run("delete", "past").worked().out()).isEqualTo("past is deleted\n");
    assertThat(json("delete", "timed").isObject()).isTrue();
    json("delete", "now");
    assertThat(json("list").size()).isEqualTo(1);
  }

  @Test
  void aTimelineIsStoppedStartedAndLookedAtAgain() {
    live.run("branch", "production", "rests", "--at", lsn).worked();
    assertThat(live.run("stop", "rests").worked().out())
        .isEqualTo("rests is stopped; all up to " + lsn + " is durable\n");
    assertThat(live.run("list").worked().out()).containsPattern("rests +stopped +17");
    assertThat(live.run("show", "rests").worked().out()).containsPattern("state +stopped\n");
    live.run("page", "rests", "1663/5/1259", "0")
        .refused("timeline \"rests\" is stopped; varve start rests lets it go on");
    assertThat(json("start", "rests").path("state").asString()).isEqualTo("active");
    assertThat(live.run("start", "rests").worked().out())
        .isEqualTo("rests is started; it goes on from " + lsn + "\n");
    assertThat(live.run("retry", "rests").worked().out()).isEqualTo("rests is active\n");
    assertThat(json("stop", "rests").path("state").asString()).isEqualTo("stopped");
    live.run("delete", "rests").worked();
  }

  @Test
  void aBackupOnDiskIsImported(@TempDir Path folder) throws IOException {
    Path tar = folder.resolve("base.tar");
    try (var client = ReplicationClient.connect(ConnectionInfo.parse(live.conninfo()))) {
      client.baseBackup(BackupOptions.standard().withWal(), (_, bytes) -> Files.copy(bytes, tar));
    }
    CommandRun run = live.run("import", "--tar", tar.toString(), "--name", "from-disk");
    assertThat(run.worked().out()).startsWith("from-disk is imported: PostgreSQL 17, readable");
    assertThat(json("show", "from-disk").path("state").asString()).isEqualTo("active");
    live.run("delete", "from-disk").worked();
  }

  @Test
  void aRestoreIsADataDirectory(@TempDir Path folder) throws IOException {
    Path target = folder.resolve("a/b");
    String said =
        live.run("restore", "production", "--to", target.toString(), "--at", lsn).worked().out();
    assertThat(said)
        .startsWith("production as of " + lsn + " is in " + target)
        .contains("Start it with: pg_ctl -D " + target);
    assertThat(Files.readString(target.resolve("PG_VERSION"))).isEqualTo("17\n");
    assertThat(target.resolve("global/pg_control")).hasSize(8192);
    Path empty = Files.createDirectory(folder.resolve("empty"));
    JsonNode answer = json("restore", "production", "--to", empty.toString());
    assertThat(answer.path("directory").asString()).isEqualTo(empty.toString());
    assertThat(answer.path("bytes").asLong()).isGreaterThan(1 << 20);
  }
}
