package dev.varve.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.server.ServedCluster;
import dev.varve.server.ServedCluster.Answer;
import dev.varve.timeline.RetentionSettings;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/// Moments, leases, and history that goes, on a server that keeps very little of it.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HistoryRoutesTest {

  private ServedCluster served;
  private Lsn end;

  @BeforeAll
  void serve() throws Exception {
    served = new ServedCluster(new RetentionSettings(1000, Duration.ZERO, Duration.ZERO));
    end = served.caughtUp();
  }

  @AfterAll
  void stop() throws IOException {
    served.close();
  }

  @Test
  void aTimeMeansTheLastCommitAtOrBeforeIt() throws Exception {
    served.cluster.execute("create table timed (v text)");
    String time = served.cluster.query("select to_json(clock_timestamp())").replace("\"", "");
    Answer lsn =
        served.get(served.path() + "/get_lsn_by_timestamp?timestamp=" + ServedCluster.encode(time));
    assertThat(lsn.status()).as(lsn.toString()).isEqualTo(200);
    assertThat(lsn.json().path("kind").asString()).isEqualTo("future");
    assertThat(Lsn.parse(lsn.json().path("lsn").asString())).isGreaterThan(end);
    Answer early =
        served.get(served.path() + "/get_lsn_by_timestamp?timestamp=2001-01-01T00:00:00Z");
    assertThat(early.status()).isEqualTo(200);
    assertThat(early.json().path("kind").asString()).isEqualTo("past");
    served.cluster.execute("create table timed_later (v text)");
    Answer present =
        served.get(served.path() + "/get_lsn_by_timestamp?timestamp=" + ServedCluster.encode(time));
    assertThat(present.json().path("kind").asString()).isEqualTo("present");
    assertThat(present.json().path("lsn")).isEqualTo(lsn.json().path("lsn"));
    assertThat(served.get(served.path() + "/get_lsn_by_timestamp?timestamp=noon").message())
        .contains("\"noon\" is not a time");
  }

  private static void assertInterval(Answer tenant, String interval, String from) {
    assertThat(tenant.status()).as(tenant.toString()).isEqualTo(200);
    assertThat(tenant.json().path("pitr_interval").asString()).isEqualTo(interval);
    assertThat(tenant.json().path("pitr_interval_from").asString()).isEqualTo(from);
  }

  private static void assertRefused(Answer answer, int status, String finding) {
    assertThat(answer.status()).as(answer.toString()).isEqualTo(status);
    assertThat(answer.message()).contains(finding);
  }

  @Test
  void aTenantHasAnIntervalOfItsOwnUntilItIsTakenAway() {
    String tenant = "/v1/tenant/" + served.tenant();
    String config = tenant + "/config";
    assertInterval(served.get(tenant), "0", "server");
    assertThat(served.get(config).json().isEmpty()).isTrue();
    assertInterval(served.put(config, "{\"pitr_interval\":\"14d\"}"), "14d", "tenant");
    assertRefused(served.put(config, "{\"pitr_interval\":\"soon\"}"), 400, "such as 7d");
    assertRefused(served.put(config, "{\"pitr_interval\":7}"), 400, "takes a text");
    assertRefused(served.put(config, "{\"colour\":\"red\"}"), 400, "no setting \"colour\"");
    assertRefused(served.put(config, "[]"), 400, "JSON object");
    String other = "/v1/tenant/00000000000000000000000000000001/config";
    assertRefused(served.put(other, "{}"), 404, "there is no tenant");
    assertRefused(served.get(other), 404, "there is no tenant");
    assertThat(served.get(config).json().toString()).isEqualTo("{\"pitr_interval\":\"14d\"}");
    assertInterval(served.get(tenant), "14d", "tenant");
    assertThat(served.get(tenant).json().path("timelines").toString()).contains(served.timeline());
    assertInterval(served.put(config, "{\"pitr_interval\":null}"), "0", "server");
  }

  @Test
  void aLeaseKeepsHistoryReadable() throws Exception {
    Lsn now = served.caughtUp(); // another test may have let go of what was before
    Answer lease =
        served.post(served.path() + "/lease", "{\"lsn\":\"" + now + "\",\"seconds\":60}");
    assertThat(lease.status()).as(lease.toString()).isEqualTo(200);
    assertThat(lease.json().path("lsn").asString()).isEqualTo(now.toString());
    assertThat(served.get(served.path()).json().path("leases").toString())
        .contains(now.toString(), lease.json().path("valid_until").asString());
    assertThat(served.post(served.path() + "/lease", "{\"seconds\":0}").message())
        .contains("a lease is for 1 to");
    assertThat(served.post(served.path() + "/lease", "{\"lsn\":\"0/8\"}").message())
        .contains("has no history as of 0/8");
  }

  /// PostgreSQL's own pages are the oracle in `e2e`; here, what was read before is.
  @Test
  void historyGoesButForBranchesAndLeasesAndNothingElseChanges() throws Exception {
    String relation = "1663/" + served.database() + "/" + served.fileNode("t");
    String page = "/page?block=0&relation=" + relation + "&lsn=";
    Lsn leased = update(1);
    served.post(served.path() + "/lease", "{\"lsn\":\"" + leased + "\",\"seconds\":600}");
    Lsn branched = update(2);
    Answer branch =
        served.post(
            "/v1/tenant/" + served.tenant() + "/timeline",
            Map.of(
                "name",
                "kept",
                "ancestor_timeline_id",
                served.timeline(),
                "ancestor_start_lsn",
                branched.toString()));
    String branchPath =
        "/v1/tenant/"
            + served.tenant()
            + "/timeline/"
            + branch.json().path("timeline_id").asString();
    Lsn between = update(3);
    byte[] asLeased = served.bytes(served.path() + page + leased).body();
    byte[] asBranched = served.bytes(served.path() + page + branched).body();
    for (int i = 4; i < 12; i++) {
      update(i);
      served.put(served.path() + "/checkpoint");
    }
    Lsn last = served.caughtUp();
    byte[] asLast = served.bytes(served.path() + page + last).body();
    assertThat(asLast).isNotEqualTo(asLeased);
    served.put(served.path() + "/checkpoint");
    assertThat(
            Lsn.parse(
                served.put(served.path() + "/do_gc").json().path("min_readable_lsn").asString()))
        .isGreaterThan(between);
    assertThat(served.put(served.path() + "/compact").status()).isEqualTo(202);
    awaitMerged();
    assertThat(served.get(served.path() + page + between).message()).contains("has no history");
    assertThat(served.bytes(served.path() + page + leased).body()).isEqualTo(asLeased);
    assertThat(served.bytes(branchPath + page + branched).body()).isEqualTo(asBranched);
    assertThat(served.bytes(served.path() + page + last).body()).isEqualTo(asLast);
  }

  private Lsn update(int round) throws Exception {
    served.cluster.execute("update t set v = 'round-" + round + "' where id < 20");
    return served.caughtUp();
  }

  /// All flushed layers are merged.
  private void awaitMerged() throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
    while (served.get(served.path()).json().path("layer_count").asInt() > 1) {
      assertThat(System.nanoTime()).as("waited for too long").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
