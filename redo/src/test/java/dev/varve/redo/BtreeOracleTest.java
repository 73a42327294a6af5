package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Redo of B-trees against the pages of real servers, and what those servers think of ours.
class BtreeOracleTest {

  /// What the workload makes every server write, and redo does by itself.
  private static final String[] ALWAYS = {
    "INSERT_LEAF 0",
    "INSERT_UPPER 0",
    "INSERT_UPPER 1",
    "INSERT_META 0",
    "INSERT_META 1",
    "INSERT_META 2",
    "INSERT_POST 0",
    "SPLIT_L 0",
    "SPLIT_L 1",
    "SPLIT_L 2",
    "SPLIT_L 3",
    "SPLIT_R 0",
    "SPLIT_R 1",
    "SPLIT_R 2",
    "SPLIT_R 3",
    "SPLIT_L 0 posting",
    "SPLIT_R 0 posting",
    "DEDUP 0",
    "DELETE 0 many",
    "DELETE 0 updates",
    "DELETE 0 many updates",
    "VACUUM 0 few",
    "VACUUM 0 many",
    "VACUUM 0 updates",
    "VACUUM 0 few updates",
    "VACUUM 0 many updates",
    "MARK_PAGE_HALFDEAD 0",
    "MARK_PAGE_HALFDEAD 1",
    "UNLINK_PAGE 0",
    "UNLINK_PAGE 1",
    "UNLINK_PAGE 2",
    "UNLINK_PAGE 3",
    "UNLINK_PAGE_META 0",
    "UNLINK_PAGE_META 2",
    "UNLINK_PAGE_META 3",
    "UNLINK_PAGE_META 4",
    "NEWROOT 0",
    "NEWROOT 1",
    "NEWROOT 2",
    "NEWROOT 0 leaf",
    "NEWROOT 2 leaf",
    "META_CLEANUP 0",
    "REUSE_PAGE",
  };

  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "17.5", "18", "18.1"})
  void equalsTheServersOwnPages(String version) throws Exception {
    run(version, 1);
  }

  @Tag("nightly")
  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "17.5", "18", "18.1"})
  void equalsTheServersOwnPagesOfALongRun(String version) throws Exception {
    run(version, 5);
  }

  private static void run(String version, int scale) throws Exception {
    var paths = new BtreePaths();
    var check = new BtreeServerCheck(paths);
    OracleReport report =
        OracleRun.of(
            version,
            cluster ->
                cluster
                    .setting("wal_consistency_checking", "btree")
                    .setting("wal_compression", "on"),
            BtreeWorkload.of(scale),
            check);
    assertThat(report.different).as("%s", report).isEmpty();
    assertThat(report.unknown.keySet()).noneMatch(type -> type.startsWith("Btree"));
    assertThat(paths.counts().keySet()).contains(ALWAYS);
    assertThat(check.written()).isGreaterThan(500);
  }
}
