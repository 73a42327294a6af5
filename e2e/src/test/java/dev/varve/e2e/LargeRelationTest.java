package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A table that has more than one file of 1 GiB, loses the second, and grows into it again.
@Tag("nightly")
class LargeRelationTest {

  private static final int IN_FIRST_FILE = 131_072;

  @Test
  void aTableOfTwoFilesIsWhole() throws Exception {
    try (var scratch = Scratch.make();
        var source =
            LocalCluster.builder(PostgresBinaries.of(17))
                .setting("max_wal_size", "4GB")
                .setting("autovacuum", "off")
                .start();
        var varve = Varve.start(scratch.path(), 512)) {
      // A row a page: large, with little WAL.
      source.execute(
          "create table big (id int, v text) with (fillfactor = 10)",
          "alter table big alter v set storage plain",
          insert(1, IN_FIRST_FILE + 1000));
      varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
      source.execute(
          insert(IN_FIRST_FILE + 1001, IN_FIRST_FILE + 2000),
          "update big set id = -id where id % 1000 = 0");
      String before = source.query("select pg_current_wal_insert_lsn()");
      source.execute("delete from big where abs(id) > 130000", "vacuum (truncate) big");
      assertThat(Long.parseLong(source.query("select pg_relation_size('big')")))
          .isLessThan(1L << 30);
      source.execute(insert(IN_FIRST_FILE + 2001, IN_FIRST_FILE + 6000));
      Path target = scratch.of("restored");
      varve.command("restore", "main", "--to", target.toString(), "--at", before);
      try (var restored = LocalCluster.existing(source.binaries(), target).start()) {
        assertThat(restored.query("select count(*) || ' ' || count(distinct v) from big"))
            .isEqualTo(IN_FIRST_FILE + 2000 + " 1");
        assertThat(restored.query("select pg_relation_size('big') > 1 << 30")).isEqualTo("t");
      }
      StoppedServers.compare(source, varve, scratch.of("varve"), "main");
    }
  }

  private static String insert(int from, int to) {
    return "insert into big select g, repeat('x', 700) from generate_series(%d, %d) g"
        .formatted(from, to);
  }
}
