package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Redo of GIN against the pages of real servers.
class GinOracleTest {

  /// What the workload makes every server write: what redo does by itself, and what it has an image
  /// for because no record of the type comes without one.
  private static final String[] ALWAYS = {
    "CREATE_PTREE 0",
    "INSERT 0 entry inner",
    "INSERT 1 entry inner",
    "INSERT 0 entry leaf",
    "INSERT 0 entry leaf replace",
    "INSERT 0 data inner",
    "INSERT 1 data inner",
    "INSERT 0 any -",
    "INSERT 0 any +",
    "INSERT 0 any =",
    "INSERT 0 any add",
    "SPLIT 0 restored",
    "SPLIT 1 restored",
    "SPLIT 2 restored",
    "SPLIT 3 entry inner",
    "VACUUM_PAGE 0 restored",
    "VACUUM_DATA_LEAF_PAGE 0 any -",
    "VACUUM_DATA_LEAF_PAGE 0 any =",
    "DELETE_PAGE 0",
    "DELETE_PAGE 1",
    "DELETE_PAGE 2",
    "UPDATE_META_PAGE 0 first",
    "UPDATE_META_PAGE 0 tuples",
    "UPDATE_META_PAGE 1 tuples",
    "UPDATE_META_PAGE 0 link",
    "UPDATE_META_PAGE 1 link",
    "INSERT_LISTPAGE 0 inner",
    "INSERT_LISTPAGE 0 last",
    "DELETE_LISTPAGE 0",
    "DELETE_LISTPAGE 1",
    "DELETE_LISTPAGE 16",
  };

  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "18"})
  void equalsTheServersOwnPages(String version) throws Exception {
    assertThat(run(version, GinWorkload.of(1)).keySet()).contains(ALWAYS);
  }

  @Tag("nightly")
  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "18"})
  void equalsTheServersOwnPagesOfALongRun(String version) throws Exception {
    assertThat(run(version, GinWorkload.of(5)).keySet()).contains(ALWAYS);
  }

  @Tag("nightly")
  @ParameterizedTest
  @ValueSource(strings = {"14", "18"})
  void equalsTheServersOwnPagesOfAGiantPostingTree(String version) throws Exception {
    assertThat(run(version, GinWorkload.giant())).containsKey("SPLIT 3 data inner");
  }

  private static Map<String, Integer> run(String version, OracleRun.Workload workload)
      throws Exception {
    var paths = new GinPaths();
    OracleReport report =
        OracleRun.of(
            version,
            cluster -> cluster.setting("wal_consistency_checking", "gin"),
            workload,
            paths);
    assertThat(report.different).as("%s", report).isEmpty();
    assertThat(report.unknown.keySet()).noneMatch(type -> type.startsWith("Gin"));
    return paths.counts();
  }
}
