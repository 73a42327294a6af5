package dev.varve.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Trees;
import dev.varve.server.ServedCluster;
import dev.varve.server.ServedCluster.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Stopping, starting, retrying, and what is measured, on a followed server.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LifeRoutesTest {

  private static final String NO_BODY = "";

  private ServedCluster served;

  @BeforeAll
  void serve() throws Exception {
    served = new ServedCluster();
    served.caughtUp();
  }

  @AfterAll
  void end() throws IOException {
    served.close();
  }

  private Answer timeline() {
    return served.get(served.path());
  }

  @Test
  void aStoppedTimelineFollowsNobodyAndGoesOnWhereItWas() throws Exception {
    String relation = "1663/" + served.database() + "/" + served.fileNode("t");
    Answer branch =
        served.post(
            "/v1/tenant/" + served.tenant() + "/timeline",
            Map.of(
                "name", "b", "ancestor_timeline_id", served.timeline(), "ancestor_start", "now"));
    assertThat(branch.status()).as(branch.toString()).isEqualTo(201);
    String branchPath =
        "/v1/tenant/%s/timeline/%s"
            .formatted(served.tenant(), branch.json().path("timeline_id").asString());
    Answer stopped = served.post(served.path() + "/stop", NO_BODY);
    assertThat(stopped.status()).as(stopped.toString()).isEqualTo(200);
    assertThat(stopped.json().path("state").asString()).isEqualTo("stopped");
    assertThat(stopped.json().path("disk_consistent_lsn"))
        .isEqualTo(stopped.json().path("last_record_lsn"));
    assertThat(stopped.json().has("wal_receiver")).isFalse();
    assertThat(served.get("/v1/task").json().toString()).doesNotContain("receive WAL of");
    String page = "/page?block=0&relation=" + relation;
    for (String read : new String[] {page, "/wait_lsn?lsn=0/8", "/fullbackup"}) {
      Answer refused = served.get(served.path() + read);
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.message()).contains("\"production\" is stopped; varve start production");
    }
    assertThat(served.bytes(branchPath + page).statusCode()).isEqualTo(200);
    served.cluster.execute("create table written_meanwhile (v text)");
    assertThat(served.post(served.path() + "/stop", NO_BODY).status()).isEqualTo(200);
    Answer started = served.post(served.path() + "/start", NO_BODY);
    assertThat(started.json().path("state").asString()).isEqualTo("active");
    served.caughtUp();
    assertThat(timeline().json().path("wal_receiver").path("state").asString())
        .isEqualTo("streaming");
    assertThat(served.bytes(served.path() + page).statusCode()).isEqualTo(200);
    assertThat(served.delete(branchPath).status()).isEqualTo(200);
  }

  private Answer follow(String source) {
    return served.post(served.path() + "/follow", Map.of("from", source));
  }

  private static void assertRefused(Answer answer, int status, String finding) {
    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
    assertThat(answer.message()).contains(finding);
  }

  @Test
  void itsSourceCanBeGivenAnewAndWhatCantBeUsedChangesNothing() throws Exception {
    String source = served.cluster.connectionString("postgres");
    assertRefused(served.post(served.path() + "/follow", "{}"), 400, "lacks the text \"from\"");
    assertRefused(follow("host"), 400, "host");
    assertRefused(follow("host=127.0.0.1 port=1 user=nobody"), 503, "can't follow that server");
    Answer again = follow(source + " application_name=elsewhere");
    assertThat(again.status()).as(again.toString()).isEqualTo(200);
    served.cluster.execute("create table followed_anew (v text)");
    served.caughtUp();
    assertThat(timeline().json().path("wal_receiver").path("state").asString())
        .isEqualTo("streaming");
    awaitClients("streaming elsewhere");
    served.post(served.path() + "/stop", NO_BODY);
    assertRefused(follow(source), 409, "varve start production");
    served.post(served.path() + "/start", NO_BODY);
    assertThat(follow(source).status()).isEqualTo(200);
  }

  /// The source takes a moment to find out who has come and who has gone.
  private void awaitClients(String expected) throws Exception {
    String query =
        "select coalesce(string_agg(state || ' ' || application_name, ', '), '')"
            + " from pg_stat_replication";
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    String clients = served.cluster.query(query);
    while (!clients.equals(expected)) {
      assertThat(System.nanoTime()).as(clients).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(20);
      clients = served.cluster.query(query);
    }
  }

  @Test
  void aDamagedFileIsNamedUntilItIsPutBack() throws IOException {
    Path layer =
        Trees.list(served.data()).stream()
            .filter(file -> file.toString().contains("-v1"))
            .max(Comparator.naturalOrder())
            .orElseThrow();
    assertThat(timeline().json().path("damaged_files").size()).isZero();
    Path away = served.data().resolve("away");
    Files.move(layer, away);
    Answer damaged = served.post(served.path() + "/retry", NO_BODY);
    assertThat(damaged.json().path("state").asString()).isEqualTo("active");
    assertThat(damaged.json().path("damaged_files").size()).isEqualTo(1);
    var file = damaged.json().path("damaged_files").get(0);
    assertThat(file.path("path").asString()).isEqualTo(layer.toString());
    assertThat(file.path("finding").asString()).isEqualTo("is missing");
    assertThat(metrics()).contains("varve_damaged_files 1.0\n");
    Files.move(away, layer);
    assertThat(served.post(served.path() + "/retry", NO_BODY).json().path("damaged_files").size())
        .isZero();
  }

  private String metrics() {
    var answer = served.bytes("/metrics");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .startsWith("text/plain; version=0.0.4");
    return new String(answer.body(), StandardCharsets.UTF_8);
  }

  private static double value(String metrics, String series) {
    return metrics
        .lines()
        .filter(line -> line.startsWith(series + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + series + " in\n" + metrics));
  }

  @Test
  void whatIsMeasuredIsThereForTheWholeAndForEachTimeline() throws Exception {
    String relation = "1663/" + served.database() + "/" + served.fileNode("t");
    String labels = "{tenant=\"" + served.tenant() + "\",timeline=\"" + served.timeline() + "\"}";
    String before = metrics();
    served.bytes(served.path() + "/page?block=0&relation=" + relation);
    served.cluster.execute("create table measured as select i from generate_series(1, 9999) i");
    served.caughtUp();
    String after = metrics();
    assertThat(value(after, "varve_page_reads_total"))
        .isGreaterThan(value(before, "varve_page_reads_total"));
    assertThat(value(after, "varve_timeline_page_reads_total" + labels)).isPositive();
    assertThat(value(after, "varve_timeline_ingested_bytes_total" + labels))
        .isGreaterThan(value(before, "varve_timeline_ingested_bytes_total" + labels));
    assertThat(value(after, "varve_ingested_bytes_total")).isPositive();
    assertThat(value(after, "varve_timeline_last_record_lsn" + labels))
        .isGreaterThan(value(before, "varve_timeline_last_record_lsn" + labels));
    assertThat(value(after, "varve_timeline_readable_from_lsn" + labels)).isPositive();
    assertThat(value(after, "varve_timeline_disk_consistent_lsn" + labels)).isPositive();
    assertThat(value(after, "varve_timeline_layer_bytes" + labels)).isPositive();
    assertThat(value(after, "varve_layer_memory_bytes")).isPositive();
    assertThat(value(after, "varve_layer_memory_limit_bytes")).isGreaterThan(100 << 20);
    assertThat(value(after, "varve_block_cache_hits_total")).isPositive();
    assertThat(value(after, "varve_page_cache_limit_bytes")).isPositive();
    assertThat(value(after, "varve_timelines{state=\"active\"}")).isPositive();
    assertThat(after)
        .contains("varve_timeline_layers{level=\"15\",tenant=")
        .contains("varve_tasks{kind=\"HOUSEKEEPING\",state=\"SCHEDULED\"} ")
        .contains("# TYPE varve_ingest_slowed_seconds_total counter\n")
        .contains("# HELP varve_block_cache_hits_total Blocks that were there\n");
  }

  @Test
  void aTimelineSaysHowItsIngestIs() {
    var json = timeline().json();
    assertThat(json.path("ingest").path("bytes").asLong()).isNotNegative();
    assertThat(json.path("ingest").path("slowed_count").isNumber()).isTrue();
    assertThat(json.path("ingest").path("stopped_seconds").isNumber()).isTrue();
    assertThat(json.path("layers_by_level").isEmpty()).isFalse();
  }
}
