package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.postgres.PgLayout;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Redo against the pages of real servers, for each version, and for minors that write other
/// records than later ones of the same version.
class HeapOracleTest {

  private static final int FIRST_USER_RELATION = 16384;

  /// What the workload makes every server write.
  private static final String[] ALWAYS = {
    "Heap/INSERT",
    "Heap/INSERT+INIT",
    "Heap/DELETE",
    "Heap/UPDATE",
    "Heap/UPDATE+INIT",
    "Heap/HOT_UPDATE",
    "Heap/LOCK",
    "Heap/INPLACE",
    "Heap/HEAP_CONFIRM",
    "Heap2/VISIBLE",
    "Heap2/MULTI_INSERT",
    "Heap2/MULTI_INSERT+INIT",
    "Heap2/LOCK_UPDATED",
    "Sequence/LOG",
  };

  @ParameterizedTest
  @CsvSource({
    "14, on, true, replica",
    "15, on, false, logical",
    "16, on, true, replica",
    "17, on, true, replica",
    "17.5, off, false, logical",
    "18, on, true, logical",
    "18.1, on, false, replica",
  })
  void equalsTheServersOwnPages(String version, String compression, boolean checksums, String level)
      throws Exception {
    run(version, compression, checksums, level, 1);
  }

  @Tag("nightly")
  @ParameterizedTest
  @CsvSource({
    "14, on, true, replica",
    "15, on, false, logical",
    "16, on, true, replica",
    "17, on, false, replica",
    "17.5, off, true, logical",
    "18, on, false, logical",
    "18.1, on, true, replica",
  })
  void equalsTheServersOwnPagesOfALongRun(
      String version, String compression, boolean checksums, String level) throws Exception {
    run(version, compression, checksums, level, 20);
  }

  /// Rows that move between pages whose bits are on two pages of the visibility map; one row a
  /// page.
  @Tag("nightly")
  @ParameterizedTest
  @CsvSource({"14, false", "17, true", "17.5, false", "18, true"})
  void clearsBitsOnTwoPagesOfTheMap(String version, boolean named) throws Exception {
    OracleReport report =
        OracleRun.of(
            version,
            cluster -> cluster,
            cluster ->
                cluster.execute(
                    "create table big (id int, pad text)",
                    "alter table big alter column pad set storage plain",
                    "set wal_consistency_checking = ''",
                    "insert into big"
                        + " select i, repeat('x', 5000) from generate_series(1, 33000) i",
                    "reset wal_consistency_checking",
                    "delete from big where id <= 60",
                    "vacuum big",
                    "update big set pad = 'moved' where id between 32900 and 32950",
                    "vacuum (freeze) big",
                    "update big set pad = repeat('y', 6000) where id in (70, 32900, 32910,"
                        + " 32990)"));
    assertThat(report.different).as("%s", report).isEmpty();
    List<String> blocks = report.samples.stream().map(ChangeSample::type).toList();
    assertThat(blocks.contains("Heap/UPDATE+INIT block 2 fork 2")).isEqualTo(named);
    assertThat(blocks.contains("Heap/UPDATE+INIT block 3 fork 2")).isEqualTo(named);
    assertThat(blocks).contains("Heap/UPDATE+INIT block 1 fork 0");
  }

  /// The oracle itself: redo that changes one byte too many of one page is found out.
  @Test
  void findsOutBrokenRedo() throws Exception {
    OracleReport report =
        OracleRun.of(
            "17",
            cluster -> cluster,
            cluster ->
                cluster.execute(
                    "create table t as select i from generate_series(1, 10) i",
                    "update t set i = i + 1",
                    "delete from t where i = 3"),
            redo ->
                (key, lsn, page, change) -> {
                  redo.apply(key, lsn, page, change);
                  boolean delete =
                      change.get(PgLayout.BYTE, 0) == 1
                          && change.get(PgLayout.BYTE, 1) == 10
                          && (change.get(PgLayout.BYTE, 2) & 0xF0) == 0x10;
                  if (delete && key.relation() >= FIRST_USER_RELATION) {
                    page.set(PgLayout.BYTE, 8184, (byte) (page.get(PgLayout.BYTE, 8184) ^ 1));
                  }
                });
    assertThat(report.different).containsOnlyKeys("Heap/DELETE").containsValue(1);
    assertThat(report.toString()).contains("Heap/DELETE at 0/", "byte 8184 is");
  }

  private static void run(
      String version, String compression, boolean checksums, String level, int scale)
      throws Exception {
    int major = Integer.parseInt(version.replaceAll("\\..*", ""));
    OracleReport report =
        OracleRun.of(
            version,
            cluster ->
                cluster
                    .checksums(checksums)
                    .setting("wal_compression", compression)
                    .setting("wal_level", level),
            new HeapWorkload(major, 1, scale));
    assertThat(report.different).as("%s", report).isEmpty();
    assertThat(report.compared.keySet()).contains(ALWAYS);
    assertThat(report.compared.keySet())
        .contains(
            major < 17
                ? new String[] {"Heap2/PRUNE", "Heap2/VACUUM", "Heap2/FREEZE_PAGE"}
                : new String[] {
                  "Heap2/PRUNE_ON_ACCESS", "Heap2/PRUNE_VACUUM_SCAN", "Heap2/PRUNE_VACUUM_CLEANUP"
                });
    assertThat(report.unknown.keySet()).noneMatch(type -> type.startsWith("Heap"));
    assertThat(report.unknown.keySet()).noneMatch(type -> type.startsWith("Sequence"));
  }
}
