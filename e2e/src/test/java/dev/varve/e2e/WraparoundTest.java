package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Transaction IDs, multixacts, their members and OIDs go past the end of their 32 bits while a
/// source is followed. Debian's `pg_resetwal` of 15 sets them near it before.
@Tag("nightly")
class WraparoundTest {

  private static final Path RESET = Path.of("/usr/lib/postgresql/15/bin/pg_resetwal");
  private static final int PAGES_PER_SEGMENT = 32;
  private static final long SHORTLY_BEFORE = (1L << 32) - 30;

  @Test
  void countersGoOnAtTheirBeginning() throws Exception {
    assumeTrue(Files.isExecutable(RESET), "needs Debian's postgresql-15");
    try (var scratch = Scratch.make();
        var source =
            LocalCluster.builder(PostgresBinaries.of(15))
                .setting("autovacuum", "off")
                .setting("max_prepared_transactions", "4")
                .start();
        var varve = Varve.start(scratch.path(), 512)) {
      // IDs are compared on a circle: no jump may be longer than half of it.
      for (long next : List.of(1_500_000_000L, 3_000_000_000L, SHORTLY_BEFORE)) {
        jump(source, next);
      }
      source.execute(
          "create table locked (id int primary key, v int)",
          "insert into locked select g, 0 from generate_series(1, 40) g",
          "begin; insert into locked values (1000, 1); prepare transaction 'old'");
      varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
      makeMultixacts(source);
      source.execute(
          "do $$ begin for i in 1..100 loop begin insert into locked values (2000 + i, 1);"
              + " exception when others then null; end; end loop; end $$",
          "begin; insert into locked values (9000, 1); prepare transaction 'new'",
          "commit prepared 'old'",
          "select lo_create(0) from generate_series(1, 100)",
          "checkpoint");
      assertThat(source.query("select next_xid from pg_control_checkpoint()")).startsWith("3:");
      assertThat(source.query("select next_multixact_id from pg_control_checkpoint()"))
          .hasSizeLessThan(4);
      restore(source, varve, scratch.of("restored"));
      StoppedServers.compare(source, varve, scratch.of("varve"), "main");
    }
  }

  private static void restore(LocalCluster source, Varve varve, Path target) throws Exception {
    varve.command("restore", "main", "--to", target.toString());
    try (var restored =
        LocalCluster.existing(source.binaries(), target)
            .setting("max_prepared_transactions", "4")
            .start()) {
      restored.execute("commit prepared 'new'", "vacuum freeze locked");
      assertThat(restored.query("select count(*) || ' ' || sum(v) from locked"))
          .isEqualTo("142 162");
      assertThat(Amcheck.of(restored).findings()).isEmpty();
    }
  }

  /// Forty multixacts of two and three members, each row then updated.
  private static void makeMultixacts(LocalCluster source) throws Exception {
    try (Connection one = source.connect();
        Connection two = source.connect();
        Connection three = source.connect();
        Statement first = one.createStatement();
        Statement second = two.createStatement();
        Statement third = three.createStatement()) {
      for (int id = 1; id <= 40; id++) {
        for (Statement statement : List.of(first, second, third)) {
          statement.execute("begin");
          statement.execute("select 1 from locked where id = " + id + " for share");
        }
        for (Statement statement : List.of(first, second, third)) {
          statement.execute("commit");
        }
        source.execute("update locked set v = v + 1 where id = " + id);
      }
      second.execute("update locked set v = v + 2 where id <= 10");
    }
  }

  /// Freezes all rows, and lets the counters go on at `next`.
  private static void jump(LocalCluster source, long next) throws Exception {
    source.execute("alter database template0 allow_connections on");
    for (String database : List.of("template0", "template1", "postgres")) {
      try (Connection connection = source.connect(database);
          Statement statement = connection.createStatement()) {
        statement.execute("vacuum freeze");
      }
    }
    source.execute("alter database template0 allow_connections off", "vacuum freeze pg_database");
    source.stop(StopMode.FAST);
    Path data = source.dataDirectory();
    long oldest = next - 50;
    run(
        data,
        List.of(
            RESET.toString(),
            "--next-transaction-id=" + next,
            "--oldest-transaction-id=" + oldest,
            "--epoch=2",
            "--multixact-ids=" + next + "," + oldest,
            "--multixact-offset=" + next,
            "--next-oid=" + next,
            "--pgdata=" + data));
    segment(data, "pg_xact", next / 32_768);
    segment(data, "pg_multixact/offsets", next / 2048);
    segment(data, "pg_multixact/members", next / 1636);
    source.start();
  }

  /// A server expects the segment that its counter points into.
  private static void segment(Path data, String folder, long page) throws Exception {
    Path file = data.resolve(folder).resolve("%04X".formatted(page / PAGES_PER_SEGMENT));
    if (!Files.exists(file)) {
      int blocks = PAGES_PER_SEGMENT;
      run(data, List.of("dd", "if=/dev/zero", "of=" + file, "bs=8192", "count=" + blocks));
    }
  }

  /// Runs a program as the server's user.
  private static void run(Path data, List<String> program) throws Exception {
    var command = new ArrayList<String>();
    String owner = Files.getOwner(data).getName();
    if (!owner.equals(System.getProperty("user.name"))) {
      command.addAll(List.of("runuser", "-u", owner, "--"));
    }
    command.addAll(program);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException(String.join(" ", command) + ": " + said);
    }
  }
}
