package dev.varve.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.server.ServedCluster;
import dev.varve.server.ServedCluster.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Every route of the API on a followed server.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RoutesTest {

  private static final String OTHER = "00000000000000000000000000000001";

  private ServedCluster served;
  private Lsn end;

  @BeforeAll
  void serve() throws Exception {
    served = new ServedCluster();
    end = served.caughtUp();
  }

  @AfterAll
  void stop() throws IOException {
    served.close();
  }

  private String tenantPath() {
    return "/v1/tenant/" + served.tenant();
  }

  private List<String> names() {
    var names = new ArrayList<String>();
    served.get("/v1/timeline").json().forEach(t -> names.add(t.path("name").asString()));
    return names;
  }

  private Answer branch(String name, String... more) {
    var body = new java.util.HashMap<String, String>();
    body.put("name", name);
    body.put("ancestor_timeline_id", served.timeline());
    for (int i = 0; i < more.length; i += 2) {
      body.put(more[i], more[i + 1]);
    }
    return served.post(tenantPath() + "/timeline", body);
  }

  private void delete(Answer branch) {
    Answer gone =
        served.delete(tenantPath() + "/timeline/" + branch.json().path("timeline_id").asString());
    assertThat(gone.status()).as(gone.toString()).isEqualTo(200);
  }

  @Test
  void theServerIsThere() {
    Answer status = served.get("/v1/status");
    assertThat(status.status()).isEqualTo(200);
    assertThat(status.json().path("id").asInt()).isEqualTo(1);
    assertThat(status.json().path("version").asString()).isNotEmpty();
  }

  @Test
  void tenantsAndTheirTimelinesAreListed() {
    assertThat(served.get("/v1/tenant").json().toString())
        .isEqualTo("[{\"id\":\"" + served.tenant() + "\"}]");
    Answer tenant = served.get(tenantPath());
    assertThat(tenant.json().path("id").asString()).isEqualTo(served.tenant());
    assertThat(tenant.json().path("timelines").toString()).contains(served.timeline());
    assertThat(served.get(tenantPath() + "/timeline").json().get(0).path("tenant_id").asString())
        .isEqualTo(served.tenant());
  }

  @Test
  void aTimelineIsTheSameByIdAndByName() {
    Answer timeline = served.get(served.path());
    assertThat(timeline.status()).isEqualTo(200);
    var json = timeline.json();
    assertThat(json.path("name").asString()).isEqualTo(ServedCluster.NAME);
    assertThat(json.path("state").asString()).isEqualTo("active");
    assertThat(json.path("pg_version").asInt()).isEqualTo(17);
    assertThat(json.path("ancestor_timeline_id").isNull()).isTrue();
    assertThat(Lsn.parse(json.path("last_record_lsn").asString())).isGreaterThanOrEqualTo(end);
    assertThat(Lsn.parse(json.path("min_readable_lsn").asString())).isLessThan(end);
    assertThat(json.path("current_physical_size").asLong()).isPositive();
    var detail = served.get(served.path() + "/detail").json();
    assertThat(Instant.parse(detail.path("last_commit_time").asString())).isBefore(Instant.now());
    assertThat(detail.at("/layers_by_state/resident/count").asInt()).isPositive();
    assertThat(json.path("wal_receiver").path("state").asString()).isEqualTo("streaming");
    Answer byName = served.get("/v1/timeline/" + ServedCluster.NAME);
    assertThat(byName.json().path("timeline_id").asString()).isEqualTo(served.timeline());
  }

  @Test
  void whatIsFollowedIsSaidWithoutItsPassword() throws Exception {
    Answer receiver = served.get(served.path() + "/wal_receiver");
    assertThat(receiver.status()).isEqualTo(200);
    assertThat(receiver.json().path("state").asString()).isEqualTo("streaming");
    assertThat(receiver.json().path("slot").asString())
        .isEqualTo(served.cluster.query("select slot_name from pg_replication_slots"));
    assertThat(receiver.json().path("source").asString())
        .contains(Integer.toString(served.cluster.port()))
        .doesNotContain("password");
    Answer branch = branch("followless");
    Answer none =
        served.get(
            tenantPath()
                + "/timeline/"
                + branch.json().path("timeline_id").asString()
                + "/wal_receiver");
    assertThat(none.status()).isEqualTo(404);
    assertThat(none.message()).isEqualTo("followless follows no server");
    delete(branch);
  }

  @Test
  void whatIsNotThereIsNamed() {
    assertThat(served.get("/v1/tenant/" + OTHER).message())
        .isEqualTo("there is no tenant " + OTHER + " on this server");
    assertThat(served.get("/v1/tenant/" + OTHER + "/timeline").status()).isEqualTo(404);
    for (String page : List.of("", "/wal_receiver", "/page", "/fullbackup", "/wait_lsn?lsn=0/8")) {
      Answer answer = served.get(tenantPath() + "/timeline/" + OTHER + page);
      assertThat(answer.status()).isEqualTo(404);
      assertThat(answer.message())
          .isEqualTo("tenant " + served.tenant() + " has no timeline " + OTHER + " on this server");
    }
    assertThat(served.put(tenantPath() + "/timeline/" + OTHER + "/checkpoint").status())
        .isEqualTo(404);
    assertThat(served.delete(tenantPath() + "/timeline/" + OTHER).status()).isEqualTo(404);
    Answer byName = served.get("/v1/timeline/nobody");
    assertThat(byName.status()).isEqualTo(404);
    assertThat(byName.message()).isEqualTo("there is no timeline nobody; varve list shows them");
    assertThat(served.get("/v1/import/" + OTHER).status()).isEqualTo(404);
  }

  @Test
  void whatIsNoIdIsSaid() {
    assertThat(served.get("/v1/tenant/xyz").status()).isEqualTo(400);
    assertThat(served.get("/v1/tenant/xyz").message()).contains("is not a tenant id");
    assertThat(served.get(tenantPath() + "/timeline/xyz").message())
        .contains("is not a timeline id");
  }

  @Test
  void aCheckpointMakesAllDurable() throws Exception {
    served.cluster.execute("create table durable as select 1 as one");
    Lsn before = served.caughtUp();
    Answer answer = served.put(served.path() + "/checkpoint");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(Lsn.parse(answer.json().path("disk_consistent_lsn").asString()))
        .isGreaterThanOrEqualTo(before);
  }

  @Test
  void anLsnIsWaitedForAndTheTimeoutSaysHowFarItIs() throws Exception {
    Answer there = served.get(served.path() + "/wait_lsn?lsn=" + ServedCluster.encode(end + ""));
    assertThat(there.status()).isEqualTo(200);
    Lsn future = end.plus(1L << 40);
    Answer not =
        served.get(
            served.path() + "/wait_lsn?timeout_ms=50&lsn=" + ServedCluster.encode(future + ""));
    assertThat(not.status()).isEqualTo(503);
    assertThat(not.message()).contains(future.toString());
    assertThat(served.get(served.path() + "/wait_lsn").message())
        .isEqualTo("the query parameter lsn is missing");
    assertThat(served.get(served.path() + "/wait_lsn?lsn=7").status()).isEqualTo(400);
  }

  @Test
  void aPageIsItsBytes() throws Exception {
    String relation = "1663/" + served.database() + "/" + served.fileNode("t");
    var page = served.bytes(served.path() + "/page?block=0&relation=" + relation);
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body()).hasSize(8192);
    assertThat(new String(page.body(), StandardCharsets.ISO_8859_1)).contains("row-1");
    assertThat(page.headers().firstValue("X-Varve-Pg-Version")).hasValue("17");
    assertThat(page.headers().firstValue("X-Varve-Lsn")).isPresent();
    var map = served.bytes(served.path() + "/page?fork=vm&relation=" + relation);
    assertThat(map.statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "relation=1663/5/4000000&block=0 | 404 | there is no relation 1663/5/4000000",
        "relation=R&block=1000 | 400 | there is no block 1000",
        "relation=R&block=-1 | 400 | there is no block -1",
        "relation=R&block=x | 400 | \"x\" is not a number",
        "relation=R&fork=side | 400 | there is no fork side",
        "relation=16384 | 400 | a relation is tablespace/database/relfilenode",
        "relation=a/b/c | 400 | \"a\" is not a number",
        "block=0 | 400 | the query parameter relation is missing",
        "relation=R&lsn=F/F0000000 | 503 | F/F0000000",
        "relation=R&lsn=0/8 | 400 | 0/8",
        "relation=R&lsn=x | 400 | is not an LSN",
      })
  void aPageThatIsNotThereIsSaid(String query, int status, String finding) throws Exception {
    String relation = "1663/" + served.database() + "/" + served.fileNode("t");
    Answer answer = served.get(served.path() + "/page?" + query.replace("R&", relation + "&"));
    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
    assertThat(answer.message()).contains(finding);
  }

  @Test
  void aFullBackupIsATarAndErrorsComeBeforeIt() {
    var backup = served.bytes(served.path() + "/fullbackup");
    assertThat(backup.statusCode()).isEqualTo(200);
    assertThat(backup.headers().firstValue("Content-Type")).hasValue("application/x-tar");
    assertThat(backup.headers().firstValueAsLong("X-Varve-Bytes").orElse(0)).isPositive();
    assertThat(backup.body().length % 512).isZero();
    Answer early = served.get(served.path() + "/fullbackup?lsn=0/8");
    assertThat(early.status()).isEqualTo(400);
    Answer late = served.get(served.path() + "/fullbackup?lsn=F/F0000000");
    assertThat(late.status()).as(late.toString()).isIn(400, 503);
    assertThat(late.message()).contains("F/F0000000");
  }

  @Test
  void aBranchIsMadeAtAnLsnATimeOrNow() throws Exception {
    served.cluster.execute("create table branched (v text)");
    Answer now = branch("now", "ancestor_start", "now");
    assertThat(now.status()).as(now.toString()).isEqualTo(201);
    assertThat(Lsn.parse(now.json().path("ancestor_lsn").asString())).isGreaterThan(end);
    assertThat(now.json().path("ancestor_name").asString()).isEqualTo(ServedCluster.NAME);
    Answer at = branch("at", "ancestor_start_lsn", end.toString());
    assertThat(at.json().path("ancestor_lsn").asString()).isEqualTo(end.toString());
    assertThat(at.json().path("last_record_lsn").asString()).isEqualTo(end.toString());
    Answer timed = branch("timed", "ancestor_start_time", Instant.now().toString());
    assertThat(timed.status()).as(timed.toString()).isEqualTo(201);
    assertThat(names()).contains("now", "at", "timed");
    Answer refused = served.delete(served.path());
    assertThat(refused.status()).isEqualTo(409);
    assertThat(refused.message()).contains("at, now, timed");
    assertThat(served.get(served.path() + "/wal_receiver").status()).isEqualTo(200);
    delete(now);
    delete(at);
    delete(timed);
    assertThat(names()).containsExactly(ServedCluster.NAME);
  }

  @Test
  void aBranchMayBeAskedForAgainButNotAnotherByItsIdOrName() {
    String id = "0123456789abcdef0123456789abcdef";
    String[] asked = {"new_timeline_id", id, "ancestor_start_lsn", end.toString()};
    Answer first = branch("again", asked);
    assertThat(first.status()).isEqualTo(201);
    assertThat(first.json().path("timeline_id").asString()).isEqualTo(id);
    Answer second = branch("again", asked);
    assertThat(second.status()).isEqualTo(201);
    assertThat(second.json().path("created_at")).isEqualTo(first.json().path("created_at"));
    Answer moved =
        branch("again", "new_timeline_id", id, "ancestor_start_lsn", end.plus(-8).toString());
    assertThat(moved.status()).as(moved.toString()).isIn(400, 409);
    Answer renamed = branch("renamed", asked);
    assertThat(renamed.status()).isEqualTo(409);
    assertThat(renamed.message()).contains(id).contains("already");
    Answer taken = branch("again", "ancestor_start_lsn", end.toString());
    assertThat(taken.status()).isEqualTo(409);
    assertThat(taken.message()).contains("\"again\" already; choose another name");
    assertThat(names()).containsOnlyOnce("again").doesNotContain("renamed");
    delete(first);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ancestor_start_lsn | F/F0000000 | F/F0000000 is in the future",
        "ancestor_start_lsn | 0/8 | has no history as of 0/8",
        "ancestor_start_lsn | 0/1 | has no history as of 0/1;",
        "ancestor_start_lsn | F/F0000003 | F/F0000003 is in the future",
        "ancestor_start_lsn | now | is not an LSN",
        "ancestor_start_time | 2001-01-01T00:00:00Z | is before the history",
        "ancestor_start_time | noon | is not a time",
        "ancestor_timeline_id | xyz | is not a timeline id",
        "new_timeline_id | xyz | is not a timeline id",
        "name | a/b | can't be a name",
        "name | '' | can't be a name",
      })
  void aBranchThatCannotBeIsRefused(String field, String value, String finding) {
    Answer refused = branch("refused", field, value);
    assertThat(refused.status()).as(refused.toString()).isEqualTo(400);
    assertThat(refused.message()).contains(finding);
    assertThat(names()).containsExactly(ServedCluster.NAME);
  }

  @Test
  void aBranchOfNothingIsRefused() {
    Answer refused = branch("refused", "ancestor_timeline_id", OTHER);
    assertThat(refused.status()).isEqualTo(404);
    assertThat(refused.message()).isEqualTo("there is no timeline " + OTHER + " to branch");
    Answer empty = served.post(tenantPath() + "/timeline", "{}");
    assertThat(empty.status()).isEqualTo(400);
    assertThat(empty.message()).contains("lacks the text \"ancestor_timeline_id\"");
  }

  @Test
  void tasksAreListed() {
    Answer tasks = served.get("/v1/task");
    assertThat(tasks.status()).isEqualTo(200);
    assertThat(tasks.json().toString()).contains("HOUSEKEEPING").contains("WAL_RECEIVER");
    tasks.json().forEach(task -> assertThat(task.path("state").asString()).isNotEmpty());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"name\": \"x\"} | say one of them",
        "{\"name\": \"x\", \"from\": \"host=a\", \"tar\": \"/b\"} | say one of them",
        "{\"from\": \"host=a\"} | lacks the text \\\"name\\\"",
        "{\"name\": \"a b\", \"from\": \"host=a\"} | can't be a name",
        "{\"name\": \"x\", \"from\": \"host\"} | host",
        "{\"name\": \"x\", \"tar\": \"\\u0000\"} | Nul character",
        "not JSON | must be a JSON object",
      })
  void anImportThatCannotBeginIsRefused(String body, String finding) {
    Answer refused = served.post("/v1/import", body);
    assertThat(refused.status()).as(refused.toString()).isEqualTo(400);
    assertThat(refused.json().path("msg").toString()).contains(finding);
  }

  @Test
  void anImportThatFailsSaysWhyAndLeavesNothing(@TempDir Path folder) throws IOException {
    Path garbage = Files.write(folder.resolve("base.tar"), new byte[4096]);
    for (String tar : List.of(folder.resolve("absent.tar").toString(), garbage.toString())) {
      Answer ended = served.awaitImport(served.post("/v1/import", Map.of("name", "x", "tar", tar)));
      assertThat(ended.json().path("state").asString()).isEqualTo("failed");
      assertThat(ended.json().path("error").asString()).contains(tar);
    }
    Answer unreachable =
        served.awaitImport(
            served.post("/v1/import", Map.of("name", "x", "from", "host=127.0.0.1 port=1")));
    assertThat(unreachable.json().path("error").asString()).contains("127.0.0.1");
    assertThat(names()).containsExactly(ServedCluster.NAME);
    Answer taken =
        served.post("/v1/import", Map.of("name", ServedCluster.NAME, "tar", garbage.toString()));
    assertThat(taken.status()).isEqualTo(409);
    assertThat(taken.message()).contains("already; choose another --name");
  }

  @Test
  void aDeletedImportLeavesNoSlotAtItsSource() throws Exception {
    Answer begun =
        served.post(
            "/v1/import",
            Map.of("name", "second", "from", served.cluster.connectionString("postgres")));
    assertThat(begun.status()).isEqualTo(202);
    Answer ended = served.awaitImport(begun);
    assertThat(ended.json().path("state").asString()).isEqualTo("done");
    assertThat(ended.json().path("bytes_done").asLong()).isPositive();
    assertThat(served.cluster.query("select count(*) from pg_replication_slots")).isEqualTo("2");
    var second = served.get("/v1/timeline/second").json();
    Answer gone =
        served.delete(
            "/v1/tenant/"
                + second.path("tenant_id").asString()
                + "/timeline/"
                + second.path("timeline_id").asString());
    assertThat(gone.status()).isEqualTo(200);
    assertThat(gone.json().has("warning")).isFalse();
    assertThat(served.cluster.query("select count(*) from pg_replication_slots")).isEqualTo("1");
    assertThat(served.get("/v1/timeline/second").status()).isEqualTo(404);
  }
}
