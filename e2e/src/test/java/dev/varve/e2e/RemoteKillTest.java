package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Tpcb;
import dev.varve.cluster.Trees;
import dev.varve.model.Lsn;
import dev.varve.remote.s3.FaultyProxy;
import dev.varve.remote.s3.FaultyProxy.Fault;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/// A server whose bucket fails one request in five is killed again and again, and loses its disk
/// now and then: no answer differs, and what it once said is in the bucket is there.
class RemoteKillTest {

  private static final int MAJOR = 17;
  private static final int MEMORY = 512;
  private static final int FAILING_PERCENT = 20;
  private static final int MOST_REMEMBERED = 12;
  private static final int ATTEMPTS = 5;

  /// Of the load, for each kill.
  private static final int STEPS = 300;

  /// From the beginning of an upload to the kill.
  private static final long LONGEST_NANOS = 1_500_000_000;

  private static final String NAME = "main";
  private static final Tpcb BANK = new Tpcb(1, 2_000);
  private static final long SEED = Long.getLong("seed", 2);

  @Test
  void nothingIsLostAfterKills() throws Exception {
    killing(2);
  }

  @Test
  @Tag("nightly")
  void nothingIsLostAfterAHundredKills() throws Exception {
    killing(100);
  }

  private static void killing(int times) throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var proxy = new FaultyProxy(bucket.port());
        var source = source();
        var victim = new Victim(scratch.path(), bucket.address(proxy.port()))) {
      var faults = new Faults(new SplittableRandom(SEED), new AtomicInteger());
      proxy.setRule(faults::next);
      victim.server.command(
          "import", "--from", source.connectionString("postgres"), "--name", NAME);
      for (int kill = 1; kill <= times; kill++) {
        try (Load load = BANK.start(source::connect, Load.Plan.steps(1, SEED + kill, STEPS))) {
          victim.kill(kill % 2 == 0, source);
          changeTables(source, kill);
          load.await();
        }
      }
      victim.compareAnswers(source);
      proxy.setRule(_ -> Optional.empty());
      victim.compareContent(source);
      System.out.printf(
          "%d kills, %d disks lost, %d of %d requests failed%n",
          times, victim.disks, faults.failed.get(), proxy.requests());
      System.out.print(bucket.scrub("--read-all"));
    }
  }

  /// What happens to requests.
  private record Faults(SplittableRandom random, AtomicInteger failed) {

    synchronized Optional<Fault> next(String request) {
      if (random.nextInt(100) >= FAILING_PERCENT) {
        return Optional.empty();
      }
      failed.incrementAndGet();
      return Optional.of(
          switch (random.nextInt(4)) {
            case 0 -> new Fault.Before();
            case 1 -> new Fault.Answer(503, "SlowDown");
            case 2 -> new Fault.Cut(random.nextInt(1000));
            default -> new Fault.After();
          });
    }
  }

  /// The server, and what it has answered.
  private static final class Victim implements AutoCloseable {

    private final SplittableRandom random = new SplittableRandom(SEED);
    private final TreeMap<Lsn, PageSample> answers = new TreeMap<>();
    private final Path folder;
    private final String bucket;
    private Varve server;
    private int disks;

    Victim(Path folder, String bucket) throws Exception {
      this.folder = folder;
      this.bucket = bucket;
      server = start();
    }

    private Varve start() throws Exception {
      return Varve.start(folder, MEMORY, Bucket.CREDENTIALS, "--remote", bucket);
    }

    private JsonNode shown() throws IOException {
      return server.json("show", NAME);
    }

    private Lsn last() throws IOException {
      return Lsn.parse(shown().path("last_record_lsn").asString());
    }

    /// Has the server work and answer, kills it while it uploads, and compares.
    void kill(boolean losesDisk, LocalCluster source) throws Exception {
      PageSample sample = PageSample.take(source, server, NAME, random);
      answers.put(sample.lsn(), sample);
      Varve uploading = server;
      var upload = Thread.ofVirtual().start(() -> uploading.run("upload", NAME));
      LockSupport.parkNanos(random.nextLong(LONGEST_NANOS));
      JsonNode before = shown();
      // What the source was told that it may forget: up to there the bucket has all.
      Lsn stored = Lsn.parse(before.path("wal_receiver").path("reported_flush_lsn").asString());
      server.kill();
      upload.join();
      if (losesDisk && stored.isAfter(Lsn.ZERO)) {
        loseDisk(before.path("tenant_id").asString(), stored, source);
      }
      server = start();
      await(sample.lsn());
      Lsn asked =
          answers.keySet().stream().skip(random.nextInt(answers.size())).findFirst().orElseThrow();
      compare(asked);
      if (answers.size() > MOST_REMEMBERED) {
        answers.remove(asked);
      }
    }

    /// Another server takes the tenant over on an empty disk, goes on from the source, and is
    /// killed, too.
    private void loseDisk(String tenant, Lsn stored, LocalCluster source) throws Exception {
      Trees.delete(folder.resolve("varve"));
      disks++;
      server = start();
      attach(tenant);
      Lsn there = last();
      System.out.printf("on an empty disk: up to %s, of which %s was known%n", there, stored);
      assertThat(there).isGreaterThanOrEqualTo(stored);
      Lsn newest = answers.floorKey(there);
      if (newest != null) {
        compare(newest);
      }
      server.command("follow", NAME, "--from", source.connectionString("postgres"));
      server.kill();
    }

    /// A command may fail where so many requests do, but not always.
    private void attach(String tenant) {
      Varve.Outcome outcome = server.run("attach", tenant);
      for (int attempt = 1; attempt < ATTEMPTS && outcome.code() != 0; attempt++) {
        System.out.println("attach failed: " + outcome.err().strip());
        outcome = server.run("attach", tenant);
      }
      assertThat(outcome.code()).as("%s", outcome.err()).isZero();
    }

    private void await(Lsn lsn) throws IOException {
      server.command("wait", NAME, "--lsn", lsn.toString(), "--timeout", "180");
    }

    private void compare(Lsn lsn) throws IOException {
      Objects.requireNonNull(answers.get(lsn)).compare(server, NAME);
    }

    /// Compares with all answers that are remembered.
    void compareAnswers(LocalCluster source) throws Exception {
      await(Lsn.parse(source.query("select pg_logical_emit_message(true, 'e2e', 'the end')")));
      for (Lsn lsn : answers.keySet()) {
        compare(lsn);
      }
    }

    /// Compares a server that starts from all that there is with the source.
    void compareContent(LocalCluster source) throws Exception {
      Path restored = folder.resolve("restored");
      server.command("restore", NAME, "--to", restored.toString());
      try (LocalCluster copy = LocalCluster.existing(source.binaries(), restored).start()) {
        assertThat(Content.of(source).differences(Content.of(copy))).isEmpty();
      }
      server.command("upload", NAME);
    }

    @Override
    public void close() throws IOException {
      server.close();
    }
  }

  /// One table comes and one goes, and one is rewritten.
  private static void changeTables(LocalCluster source, int number) throws SQLException {
    source.execute(
        "drop table if exists t" + Math.max(0, number - 3),
        "create table t%d as select i, md5(i::text) from generate_series(1, 3000) i"
            .formatted(number),
        "create index on t" + number + " (md5)",
        "vacuum full pgbench_tellers");
  }

  private static LocalCluster source() throws Exception {
    // Autovacuum would change catalogs while they are compared.
    LocalCluster source =
        LocalCluster.builder(PostgresBinaries.of(MAJOR))
            .setting("max_wal_size", "64MB")
            .setting("autovacuum", "off")
            .start();
    try (Connection connection = source.connect()) {
      BANK.initialize(connection);
    }
    return source;
  }
}
