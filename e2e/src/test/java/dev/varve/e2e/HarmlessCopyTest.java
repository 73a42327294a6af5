package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/// What a source is set up to do to others, a restored copy of it does not do.
class HarmlessCopyTest {

  @Test
  void leavesArchiveStandbysAndPublicationsAlone() throws Exception {
    try (var scratch = Scratch.make();
        var source =
            LocalCluster.builder(PostgresBinaries.of(17))
                .setting("wal_level", "logical")
                .archive()
                .start();
        var varve = Varve.start(scratch.path(), 512)) {
      prepare(source);
      varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
      Path copy = scratch.of("copy");
      varve.command("restore", "main", "--to", copy.toString());
      Path again = scratch.of("again");
      try (var restored = LocalCluster.existing(source.binaries(), copy).start()) {
        assertHarmless(restored);
        varve.command("import", "--from", restored.connectionString("postgres"), "--name", "copy");
        varve.command("restore", "copy", "--to", again.toString());
      }
      assertThat(Files.readString(again.resolve("postgresql.auto.conf")))
          .isEqualTo(Files.readString(copy.resolve("postgresql.auto.conf")));
      assertThat(Files.readAllLines(again.resolve("pg_wal/00000003.history")))
          .extracting(line -> line.split("\t", 2)[0])
          .containsExactly("1", "2");
      try (var restored = LocalCluster.existing(source.binaries(), again).start()) {
        assertHarmless(restored);
      }
    }
  }

  private static void prepare(LocalCluster source) throws Exception {
    // Empty, and PostgreSQL does not start without it.
    source.newDirectory(source.dataDirectory().resolve("conf.d").toString());
    Files.writeString(
        source.dataDirectory().resolve("postgresql.conf"),
        "\ninclude_dir 'conf.d'\n",
        StandardOpenOption.APPEND);
    source.execute(
        "create table there (id int)",
        "create publication p for table there",
        "select pg_create_logical_replication_slot('s', 'pgoutput')",
        "create subscription s connection '%s' publication p with (create_slot = false)"
            .formatted(source.connectionString("postgres").replace("'", "''")),
        "alter system set synchronous_standby_names = '*'",
        "alter system set synchronous_commit = local",
        "select pg_reload_conf()");
  }

  private static void assertHarmless(LocalCluster restored) throws Exception {
    assertThat(restored.query("show archive_mode")).isEqualTo("off");
    assertThat(restored.query("select count(*) from pg_subscription")).isEqualTo("1");
    assertThat(restored.query("show max_logical_replication_workers")).isEqualTo("0");
    try (Connection connection = restored.connect();
        Statement statement = connection.createStatement()) {
      // Else this waits for a standby, for ever.
      statement.setQueryTimeout(60);
      statement.execute("set synchronous_commit = on");
      statement.execute("create table committed (id int)");
      statement.execute("drop table committed");
    }
  }
}
