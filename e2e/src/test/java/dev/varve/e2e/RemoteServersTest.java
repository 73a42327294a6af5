package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Tpcb;
import dev.varve.cluster.Trees;
import dev.varve.etcd.EtcdServer;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// Two servers, one bucket, one etcd: a tenant changes its server while the first one, which can't
/// reach etcd, still believes that it has it.
class RemoteServersTest {

  private static final int MAJOR = 17;
  private static final int MEMORY = 512;
  private static final int LIMIT_SECONDS = 180;
  private static final String NAME = "main";
  private static final Tpcb BANK = new Tpcb(1, 5_000);

  @Test
  void lateWritesOfAServerThatLostItsTenantChangeNothing() throws Exception {
    assumeTrue(EtcdServer.isInstalled());
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var etcd = EtcdServer.start(Files.createDirectory(scratch.of("etcd")));
        var wire = new Wire(etcd.port());
        var source = source();
        var first = start(scratch.of("a"), bucket, wire.port())) {
      first.command("import", "--from", source.connectionString("postgres"), "--name", NAME);
      work(source, 200);
      String uploaded = first.json("upload", NAME).path("disk_consistent_lsn").asString();
      work(source, 200);
      wire.cut();

      Path disk = scratch.of("b");
      Moment moment = attach(disk, bucket, etcd.port(), first);
      assertThat(Lsn.parse(moment.lsn)).isGreaterThanOrEqualTo(Lsn.parse(uploaded));
      writeLate(first, source, bucket);
      try (Varve second = start(disk, bucket, etcd.port())) {
        moment.assertKept(second);
        assertThat(shown(second, "last_record_lsn")).isEqualTo(moment.lsn);
        assertThat(second.command("follow", NAME, "--from", source.connectionString("postgres")))
            .contains("no WAL comes yet", "uses the slot");
        wire.mend();
        awaitLost(first);
        assertRefuses(first, scratch);
        awaitPresent(second, source);
        moment.assertKept(second);
        second.command("upload", NAME);
        second.kill();
      }
      first.kill();
      try (Varve again = start(scratch.of("a"), bucket, etcd.port())) {
        awaitLost(again);
        assertRefuses(again, scratch);
      }
      Trees.delete(disk);
      try (Varve third = start(disk, bucket, etcd.port())) {
        third.command("attach", moment.tenant);
        moment.assertKept(third);
        third.command("upload", NAME);
        assertThat(third.log()).contains("generations from etcd").doesNotContain("WARNING:");
      }
      System.out.print(bucket.scrub("--read-all"));
    }
  }

  /// What the tenant has when it is taken over.
  private record Moment(String tenant, String lsn, DirectoryDigest pages) {

    void assertKept(Varve server) throws IOException {
      assertThat(Lsn.parse(shown(server, "last_record_lsn")))
          .isGreaterThanOrEqualTo(Lsn.parse(lsn));
      assertThat(pages.differences(server.digest(NAME, lsn))).isEmpty();
    }
  }

  /// Has a server with an empty disk take the tenant over, and kills it. The first one still
  /// serves.
  private static Moment attach(Path disk, Bucket bucket, int etcd, Varve first) throws Exception {
    String tenant = shown(first, "tenant_id");
    try (Varve second = start(disk, bucket, etcd)) {
      second.command("attach", tenant);
      String lsn = shown(second, "last_record_lsn");
      var moment = new Moment(tenant, lsn, first.digest(NAME, lsn));
      System.out.println(moment.pages.pages() + " pages as of " + lsn);
      second.kill();
      return moment;
    }
  }

  /// The first server takes more in, puts it into the bucket, and can't know whether that counts.
  private static void writeLate(Varve first, LocalCluster source, Bucket bucket) throws Exception {
    work(source, 1_000);
    SortedSet<String> before = bucket.objects();
    Varve.Outcome upload = first.run("upload", NAME, "--timeout", "5");
    assertThat(upload.code()).isNotZero();
    SortedSet<String> late = new TreeSet<>();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (late.isEmpty()) { // the upload goes on
      assertThat(System.nanoTime()).as("%s", upload.err()).isLessThan(deadline);
      late.addAll(bucket.objects());
      late.removeAll(before);
      TimeUnit.MILLISECONDS.sleep(20);
    }
    System.out.println("put late: " + late + "; " + upload.err().strip());
    assertThat(shown(first, "state")).isEqualTo("active");
  }

  private static void awaitLost(Varve server) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
    while (!shown(server, "state").equals("lost")) {
      assertThat(System.nanoTime()).as("%s", server.json("show", NAME)).isLessThan(deadline);
      server.run("upload", NAME, "--timeout", "1");
    }
    assertThat(shown(server, "state_reason")).contains("was attached elsewhere");
  }

  /// The slot is free once the first server knows that the tenant is not its own any more.
  private static void awaitPresent(Varve server, LocalCluster source) throws Exception {
    String present = source.query("select pg_logical_emit_message(true, 'e2e', 'now')");
    server.command("wait", NAME, "--lsn", present, "--timeout", String.valueOf(LIMIT_SECONDS));
  }

  private static void assertRefuses(Varve server, Scratch scratch) {
    Varve.Outcome restore = server.run("restore", NAME, "--to", scratch.of("never").toString());
    assertThat(restore.code()).isNotZero();
    assertThat(restore.err()).contains("was attached elsewhere");
  }

  private static String shown(Varve server, String field) throws IOException {
    return server.json("show", NAME).path(field).asString();
  }

  private static Varve start(Path folder, Bucket bucket, int etcd) throws Exception {
    Files.createDirectories(folder);
    return Varve.start(
        folder,
        MEMORY,
        Bucket.CREDENTIALS,
        "--remote",
        bucket.address(),
        "--etcd",
        "etcd://127.0.0.1:" + etcd + "/e2e",
        "--node",
        folder.getFileName().toString());
  }

  private static void work(LocalCluster source, int steps) throws Exception {
    try (Load load = BANK.start(source::connect, Load.Plan.steps(2, 1, steps))) {
      load.await();
    }
  }

  private static LocalCluster source() throws Exception {
    LocalCluster source = LocalCluster.builder(PostgresBinaries.of(MAJOR)).start();
    try (Connection connection = source.connect()) {
      BANK.initialize(connection);
    }
    return source;
  }
}
