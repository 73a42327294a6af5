package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Tpcb;
import java.io.IOException;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/// A server that does everything at once stays within the memory that `--memory` promises.
class MemoryTest {

  private static final Tpcb BANK = new Tpcb(2, 20_000);
  private static final int BRANCHES = 3;
  private static final int READERS = 24;
  private static final int DEPTH = 32;

  /// Takes one piece of memory in PostgreSQL, and one record in the log.
  private static final int MESSAGE_BYTES = 200_000_000;

  /// @param rows of a table of about 300 bytes a row
  /// @param rounds in which all readers and restores run at once
  private record Size(int rows, int rounds) {}

  @Test
  void aLoadedServerStaysWithinItsBudget() throws Exception {
    load(512, new Size(200_000, 1));
  }

  /// The second time, most of what is read is in the bucket only.
  @Test
  @Tag("nightly")
  void soDoesOneThatReadsFromABucket() throws Exception {
    try (var scratch = Scratch.make();
        var bucket = new Bucket(scratch.of("s3"));
        var varve =
            Varve.start(
                scratch.path(),
                512,
                Bucket.CREDENTIALS,
                "--remote",
                bucket.address(),
                "--evict-after",
                "1min",
                "--disk-limit",
                "11")) {
      var size = new Size(200_000, 1);
      try (LocalCluster source = source(size)) {
        load(varve, source, 512, size);
        varve.command("upload", "main");
        awaitEviction(varve);
        load(varve, source, 512, size);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 768, 1024})
  @Tag("nightly")
  void aLoadedServerStaysWithinItsBudgetForLong(int mebibytes) throws Exception {
    load(mebibytes, new Size(4_000_000, 20));
  }

  private static void load(int mebibytes, Size size) throws Exception {
    try (var scratch = Scratch.make();
        var source = source(size);
        var varve = Varve.start(scratch.path(), mebibytes)) {
      load(varve, source, mebibytes, size);
    }
  }

  /// Imports the source unless that was done before, and has everything at once done.
  private static void load(Varve varve, LocalCluster source, int mebibytes, Size size)
      throws Exception {
    try (Load transactions = BANK.start(source::connect, Load.Plan.endless(2, 1))) {
      List<String> timelines = new ArrayList<>(List.of("main"));
      boolean isNew = varve.json("list").isEmpty();
      if (isNew) {
        varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
      }
      for (int i = 0; i < BRANCHES; i++) {
        String name = "branch-" + i;
        timelines.add(name);
        if (isNew) {
          varve.command("branch", "main", name);
        }
      }
      for (int round = 0; round < size.rounds; round++) {
        everythingAtOnce(source, varve, timelines, mebibytes);
      }
      String end = source.query("select pg_current_wal_flush_lsn()");
      varve.command("wait", "main", "--lsn", end, "--timeout", "300");
      assertThat(transactions.steps()).isPositive();
    } finally {
      System.out.printf(
          "--memory %d MiB: peak of %d MiB resident%n", mebibytes, varve.peakMemory() >> 20);
    }
    assertThat(varve.isAlive()).isTrue();
    assertThat(varve.peakMemory())
        .as("resident at most, with --memory %d MiB", mebibytes)
        .isLessThanOrEqualTo((long) mebibytes << 20);
  }

  private static void awaitEviction(Varve varve) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
    JsonNode evicted = varve.json("show", "main").path("layers_by_state").path("evicted");
    while (evicted.path("count").asInt() == 0) {
      assertThat(System.nanoTime()).as("%s", evicted).isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(200);
      evicted = varve.json("show", "main").path("layers_by_state").path("evicted");
    }
    System.out.println("evicted: " + evicted);
  }

  private static LocalCluster source(Size size) throws Exception {
    LocalCluster source =
        LocalCluster.builder(PostgresBinaries.of(17))
            .setting("max_wal_size", "1GB")
            .setting("fsync", "off")
            .start();
    try (Connection connection = source.connect()) {
      BANK.initialize(connection);
    }
    source.execute(
        "create table filler as select g, repeat(md5(g::text), 8) from generate_series(1, "
            + size.rows
            + ") g",
        "alter table filler add primary key (g)");
    return source;
  }

  private static void everythingAtOnce(
      LocalCluster source, Varve varve, List<String> timelines, int mebibytes) throws Exception {
    String[] path = source.query("select pg_relation_filepath('filler')").split("/", -1);
    int database = Integer.parseInt(path[1]);
    int relation = Integer.parseInt(path[2]);
    int blocks = Integer.parseInt(source.query("select pg_relation_size('filler') / 8192"));
    List<Callable<Boolean>> work = new ArrayList<>();
    work.add(() -> {
      source.execute(
          "update filler set g = g where g % 2 = 0",
          "select pg_logical_emit_message(false, 'x', repeat('x', " + MESSAGE_BYTES + "))");
      return true;
    });
    for (String timeline : timelines) {
      JsonNode shown = varve.json("show", timeline);
      String tenant = shown.path("tenant_id").asString();
      String id = shown.path("timeline_id").asString();
      work.add(() -> varve.discardBackup(tenant, id) > (long) blocks * 8192);
      for (int i = 0; i < READERS / timelines.size(); i++) {
        int seed = i;
        PageClient client = new PageClient(varve.pagePort()).enter(tenant, id);
        work.add(() -> {
          read(client, seed, database, relation);
          return true;
        });
      }
    }
    try (var idle = new Idle();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> running = work.stream().map(threads::submit).toList();
      idle.fill(varve.pagePort(), mebibytes);
      for (Future<Boolean> one : running) {
        assertThat(one.get()).isTrue();
      }
    }
  }

  private static void read(PageClient client, int seed, int database, int relation)
      throws IOException {
    try (client) {
      var random = new SplittableRandom(seed);
      for (int i = 0; i < 60; i++) {
        client.pages(database, relation, random.nextInt(5_000), DEPTH);
      }
    }
  }

  /// Connections that do nothing, as many as the server takes and some more.
  private static final class Idle implements AutoCloseable {

    private final List<PageClient> clients = new ArrayList<>();

    void fill(int port, int most) throws IOException {
      String refusal = "";
      while (refusal.isEmpty()) {
        assertThat(clients.size()).as("connections").isLessThanOrEqualTo(most);
        try {
          clients.add(new PageClient(port));
        } catch (IOException e) {
          refusal = String.valueOf(e.getMessage());
        }
      }
      assertThat(refusal).contains("53300").contains("too many connections");
    }

    @Override
    public void close() throws IOException {
      for (PageClient client : clients) {
        client.close();
      }
    }
  }
}
