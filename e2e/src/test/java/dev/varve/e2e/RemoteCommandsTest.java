package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Trees;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// A server with a bucket, as the command line shows it: a tenant goes and comes back, and the
/// bucket is away when the server starts.
class RemoteCommandsTest {

  private static final int MAJOR = 17;
  private static final int MEMORY = 512;
  private static final int LIMIT_SECONDS = 180;
  private static final String NAME = "main";

  @Test
  void aTenantIsDetachedAndAttachedAgain() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var source = LocalCluster.builder(PostgresBinaries.of(MAJOR)).start();
        var varve = start(scratch.path(), bucket.address())) {
      String tenant = follow(varve, source);
      varve.command("branch", NAME, "twig");
      source.execute("insert into t select generate_series(1, 10000)");
      String lsn = source.query("select pg_logical_emit_message(true, 'e2e', 'now')");
      varve.command("wait", NAME, "--lsn", lsn);
      DirectoryDigest expected = varve.digest(NAME, lsn);
      String branched = varve.json("show", "twig").path("last_record_lsn").asString();
      DirectoryDigest twig = varve.digest("twig", branched);
      varve.command("configure", tenant, "--pitr-interval", "30d");

      varve.command("detach", tenant);
      assertThat(varve.json("list")).isEmpty();
      assertThat(source.query("select count(*) from pg_replication_slots")).isEqualTo("0");
      assertThat(layersOn(scratch.of("varve"))).isZero();
      assertThat(varve.run("detach", tenant).code()).isNotZero();
      System.out.print(bucket.scrub());

      String said = varve.command("attach", tenant);
      assertThat(said).contains(NAME + " is attached").contains("twig is attached");
      assertThat(varve.command("configure", tenant)).contains("30d, as is set for this tenant");
      assertThat(expected.differences(varve.digest(NAME, lsn))).isEmpty();
      assertThat(twig.differences(varve.digest("twig", branched))).isEmpty();
      assertThat(varve.command("download", "twig")).contains("all of twig is on the server's disk");
      assertThat(layersOn(scratch.of("varve"))).isPositive();
      Varve.Outcome twice = varve.run("attach", tenant);
      assertThat(twice.code()).isNotZero();
      assertThat(twice.err()).contains("attached here already");
      System.out.print(bucket.scrub("--read-all"));
    }
  }

  @Test
  void aServerStartsWithoutItsBucketAndFindsItLater() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var wire = new Wire(bucket.port());
        var source = LocalCluster.builder(PostgresBinaries.of(MAJOR)).start()) {
      String address = bucket.address(wire.port());
      DirectoryDigest expected;
      String lsn;
      try (Varve varve = start(scratch.path(), address)) {
        follow(varve, source);
        varve.command("upload", NAME);
        lsn = varve.json("show", NAME).path("last_record_lsn").asString();
        expected = varve.digest(NAME, lsn);
      }
      wire.cut();
      try (Varve varve = start(scratch.path(), address)) {
        assertThat(varve.json("show", NAME).path("state").asString()).isEqualTo("active");
        assertThat(expected.differences(varve.digest(NAME, lsn))).isEmpty();
        source.execute("insert into t select generate_series(1, 10000)");
        String later = source.query("select pg_logical_emit_message(true, 'e2e', 'later')");
        varve.command("wait", NAME, "--lsn", later);

        awaitFailure(varve);
        wire.mend();
        varve.command("upload", NAME, "--timeout", String.valueOf(LIMIT_SECONDS));
        awaitReported(varve, later);
      }
      System.out.print(bucket.scrub("--read-all"));
    }
  }

  /// All data is in the bucket alone, and it does not answer: what a server knows without it, it
  /// says at once.
  @Test
  void nothingThatNeedsNoDataWaitsForTheBucket() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var wire = new Wire(bucket.port());
        var source = LocalCluster.builder(PostgresBinaries.of(MAJOR)).start();
        var varve = start(scratch.path(), bucket.address(wire.port()))) {
      String tenant = follow(varve, source);
      source.execute("insert into t select generate_series(1, 10000)");
      String lsn = source.query("select pg_logical_emit_message(true, 'e2e', 'now')");
      varve.command("wait", NAME, "--lsn", lsn);
      varve.command("detach", tenant);
      varve.command("attach", tenant);
      wire.cut();
      long started = System.nanoTime();
      assertThat(varve.command("list")).contains(NAME);
      varve.command("branch", NAME, "twig");
      varve.command("stop", "twig");
      assertThat(varve.command("show", "twig")).contains("not known: the timeline is stopped");
      varve.command("delete", "twig");
      assertThat(System.nanoTime() - started).isLessThan(TimeUnit.SECONDS.toNanos(60));
      assertThat(varve.command("show", NAME))
          .contains("in the object store only", "not known: they could not be read within 5000 ms");
      wire.mend();
      JsonNode shown = varve.json("show", NAME);
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
      while (shown.has("commit_time_error")) {
        assertThat(System.nanoTime()).as("%s", shown).isLessThan(deadline);
        shown = varve.json("show", NAME);
      }
      assertThat(shown.path("last_commit_time").asString()).startsWith("20");
      assertThat(shown.at("/layers_by_state/evicted/bytes").asLong())
          .isEqualTo(shown.path("current_physical_size").asLong());
    }
  }

  /// @return the tenant
  private static String follow(Varve varve, LocalCluster source) throws Exception {
    source.execute("create table t (i int)", "insert into t select generate_series(1, 10000)");
    varve.command("import", "--from", source.connectionString("postgres"), "--name", NAME);
    return varve.json("show", NAME).path("tenant_id").asString();
  }

  /// An upload does not get done, and in the end says why.
  private static void awaitFailure(Varve varve) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    String said = "";
    while (!said.contains("s3://")) {
      assertThat(System.nanoTime()).as(said).isLessThan(deadline);
      Varve.Outcome upload = varve.run("upload", NAME, "--timeout", "1");
      said = upload.err();
      assertThat(upload.code()).isNotZero();
      assertThat(said).contains("is not in the object store");
    }
    System.out.print(said);
  }

  /// The source may forget what the bucket has.
  private static void awaitReported(Varve varve, String lsn) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    Lsn reported = Lsn.ZERO;
    while (reported.isBefore(Lsn.parse(lsn))) {
      assertThat(System.nanoTime()).as("%s", reported).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(100);
      JsonNode receiver = varve.json("show", NAME).path("wal_receiver");
      reported = Lsn.parse(receiver.path("reported_flush_lsn").asString());
    }
  }

  private static long layersOn(Path data) throws IOException {
    return Trees.list(data).stream()
        .filter(file -> file.getFileName().toString().contains("-v1-"))
        .count();
  }

  private static Varve start(Path folder, String bucket) throws Exception {
    return Varve.start(folder, MEMORY, Bucket.CREDENTIALS, "--remote", bucket);
  }
}
