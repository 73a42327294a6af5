package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// A timeline goes on from its running source after it came from a bucket, or from a base backup;
/// and where it can't, nothing is left of the attempt.
class FollowTest {

  private static final int MAJOR = 17;
  private static final int MEMORY = 512;
  private static final int LIMIT_SECONDS = 180;
  private static final String NAME = "main";

  /// Of a base backup.
  private static final int FEW_BYTES = 1 << 20;

  @Test
  void timelinesOfABucketAndOfABackupGoOnFromTheirSource() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var other = cluster().start();
        var source = cluster().start()) {
      write(source, 1);
      String tenant = importAndKill(scratch.of("a"), bucket, source);
      try (Varve varve = start(scratch.of("b"), bucket)) {
        assertThat(varve.command("attach", tenant)).contains("varve follow main --from CONNINFO");
        varve.command("branch", NAME, "twig");
        assertRefused(follow(varve, "twig", source), "\"twig\" is a branch");
        assertRefused(follow(varve, NAME, other), "is another cluster");
        assertThat(slots(other)).isZero();
        assertThat(shown(varve).has("wal_receiver")).isFalse();

        write(source, 2);
        importBackup(varve, source, scratch.of("backup"));
        write(source, 3);
        assertFollows(follow(varve, NAME, source));
        assertFollows(follow(varve, "nightly", source));
        assertThat(slots(source)).isEqualTo(2);
        write(source, 4);
        assertSame(source, varve, scratch.of("restored"));
        assertSamePage(source, varve);

        assertRefused(follow(varve, NAME, other), "is another cluster");
        assertFollows(follow(varve, NAME, source));
        varve.kill();
      }
      try (Varve varve = start(scratch.of("b"), bucket)) {
        awaitWritten(varve, source);
        varve.command("detach", tenant);
        varve.command("delete", "nightly");
        assertThat(slots(source)).isZero();
      }
    }
  }

  @Test
  void aSourceThatHasRemovedTheWalIsRefused() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var source =
            cluster().setting("max_wal_size", "32MB").setting("min_wal_size", "32MB").start()) {
      write(source, 1);
      String tenant = importAndKill(scratch.of("a"), bucket, source);
      try (Varve varve = start(scratch.of("b"), bucket)) {
        varve.command("attach", tenant);
        String end = shown(varve).path("last_record_lsn").asString();
        await(() -> isDropped(source));
        for (int segment = 2; segment < 8; segment++) {
          write(source, segment);
          source.execute("select pg_switch_wal()", "checkpoint");
        }
        Varve.Outcome refused = follow(varve, NAME, source);
        System.out.print(refused.err());
        assertRefused(refused, "ends at " + end);
        assertThat(refused.err()).contains("keeps its WAL from").contains("has removed the WAL");
        assertThat(slots(source)).isZero();
        assertThat(shown(varve).has("wal_receiver")).isFalse();
        try (Stream<Path> notes = Files.list(scratch.of("b").resolve("varve/sources"))) {
          assertThat(notes).isEmpty();
        }
      }
    }
  }

  @Test
  void aNotedSourceOfATimelineInTheBucketKeepsItsSlotAndThatOfNobodyDoesNot() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var wire = new Wire(bucket.port());
        var source = cluster().start();
        var slow = new Wire(source.port(), FEW_BYTES)) {
      write(source, 1);
      String tenant = importAndKill(scratch.of("a"), bucket, source);
      String stuck = "host=127.0.0.1 user=postgres dbname=postgres port=" + slow.port();
      Path data = scratch.of("a").resolve("varve");
      try (Varve varve = start(scratch.of("b"), bucket)) {
        Thread importing =
            Thread.ofVirtual().start(() -> varve.run("import", "--from", stuck, "--name", "cut"));
        await(() -> slots(source) == 2);
        varve.kill();
        importing.join();
      }
      try (Stream<Path> cut = Files.list(scratch.of("b").resolve("varve/sources"))) {
        Path note = cut.toList().getFirst();
        Files.move(note, data.resolve("sources").resolve(note.getFileName()));
      }
      Trees.delete(data.resolve("tenants"));
      wire.cut();
      try (Varve varve = start(scratch.of("a"), bucket.address(wire.port()))) {
        write(source, 2);
        assertThat(slots(source)).isEqualTo(2);
        wire.mend();
        await(() -> slots(source) == 1);
        await(() -> varve.log().contains("when tenant " + tenant + " is attached here"));
        assertThat(slots(source)).isEqualTo(1);
        assertThat(varve.command("attach", tenant)).doesNotContain("follows nobody");
        awaitWritten(varve, source);
      }
    }
  }

  /// Autovacuum would change catalogs while they are compared.
  private static ClusterBuilder cluster() throws Exception {
    return LocalCluster.builder(PostgresBinaries.of(MAJOR)).setting("autovacuum", "off");
  }

  private static Varve start(Path folder, Bucket bucket) throws Exception {
    return start(folder, bucket.address());
  }

  private static Varve start(Path folder, String bucket) throws Exception {
    Files.createDirectories(folder);
    return Varve.start(folder, MEMORY, Bucket.CREDENTIALS, "--remote", bucket);
  }

  /// @return the tenant
  private static String importAndKill(Path folder, Bucket bucket, LocalCluster source)
      throws Exception {
    try (Varve varve = start(folder, bucket)) {
      varve.command("import", "--from", address(source), "--name", NAME);
      varve.command("upload", NAME);
      String tenant = shown(varve).path("tenant_id").asString();
      varve.kill();
      return tenant;
    }
  }

  private static void importBackup(Varve varve, LocalCluster source, Path folder) throws Exception {
    String tar = SourceBackup.take(source, folder).tar().toString();
    String wal = source.dataDirectory().resolve("pg_wal").toString();
    varve.command("import", "--tar", tar, "--wal", wal, "--name", "nightly");
  }

  private static JsonNode shown(Varve varve) throws IOException {
    return varve.json("show", NAME);
  }

  private static String address(LocalCluster source) {
    return source.connectionString("postgres");
  }

  private static Varve.Outcome follow(Varve varve, String name, LocalCluster source) {
    return varve.run("follow", name, "--from", address(source));
  }

  private static void assertFollows(Varve.Outcome outcome) {
    assertThat(outcome.code()).as("%s", outcome.err()).isZero();
    assertThat(outcome.out()).contains(" follows ").contains(", and is at ");
  }

  private static void assertRefused(Varve.Outcome outcome, String finding) {
    assertThat(outcome.code()).as("%s", outcome.out()).isEqualTo(1);
    assertThat(outcome.err()).contains(finding);
  }

  private static void write(LocalCluster source, int number) throws Exception {
    source.execute(
        "create table t%d as select i, md5(i::text) from generate_series(1, 2000) i"
            .formatted(number),
        "create index on t" + number + " (md5)");
  }

  private static void awaitWritten(Varve varve, LocalCluster source) throws Exception {
    String lsn = source.query("select pg_logical_emit_message(true, 'e2e', 'now')");
    varve.command("wait", NAME, "--lsn", lsn, "--timeout", String.valueOf(LIMIT_SECONDS));
  }

  /// What a branch as of now has is what the source has.
  private static void assertSame(LocalCluster source, Varve varve, Path restored) throws Exception {
    varve.command("branch", NAME, "now");
    varve.command("restore", "now", "--to", restored.toString());
    try (LocalCluster copy = LocalCluster.existing(source.binaries(), restored).start()) {
      assertThat(Content.of(source).differences(Content.of(copy))).isEmpty();
    }
  }

  /// A page that only WAL has brought is the same in both timelines.
  private static void assertSamePage(LocalCluster source, Varve varve) throws Exception {
    String lsn = source.query("select pg_logical_emit_message(true, 'e2e', 'now')");
    String file = source.query("select pg_relation_filepath('t4')");
    String relation = file.replaceFirst("base", "1663");
    varve.command("wait", NAME, "--lsn", lsn);
    varve.command("wait", "nightly", "--lsn", lsn);
    String page = varve.command("page", NAME, relation, "3", "--at", lsn);
    assertThat(page.lines().count()).isGreaterThan(10);
    assertThat(varve.command("page", "nightly", relation, "3", "--at", lsn)).isEqualTo(page);
  }

  private static int slots(LocalCluster source) throws SQLException {
    return Integer.parseInt(source.query("select count(*) from pg_replication_slots"));
  }

  /// Drops the slot, once whoever used it is known to be gone.
  private static boolean isDropped(LocalCluster source) throws SQLException {
    source.query(
        "select count(pg_drop_replication_slot(slot_name))"
            + " from pg_replication_slots where not active");
    return slots(source) == 0;
  }

  /// What is waited for.
  private interface Event {
    boolean hasHappened() throws Exception;
  }

  private static void await(Event event) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!event.hasHappened()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
