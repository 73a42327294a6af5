package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Redo of GiST and SP-GiST against the pages of real servers.
class GistOracleTest {

  /// What the workloads make every server write, and redo does by itself.
  private static final String[] ALWAYS = {
    "Gist/PAGE_UPDATE 0 add",
    "Gist/PAGE_UPDATE 0 overwrite",
    "Gist/PAGE_UPDATE 0 few",
    "Gist/PAGE_UPDATE 0 many",
    "Gist/PAGE_UPDATE 0 few add",
    "Gist/PAGE_UPDATE 1 few add",
    "Gist/DELETE 0 many",
    "Gist/PAGE_REUSE",
    "Gist/PAGE_SPLIT 1 leaf",
    "Gist/PAGE_SPLIT 2 leaf",
    "Gist/PAGE_SPLIT 3 leaf many",
    "Gist/PAGE_SPLIT 1 root leaf many",
    "Gist/PAGE_SPLIT 2 root leaf many",
    "Gist/PAGE_SPLIT 3 root leaf many",
    "Gist/PAGE_SPLIT 0 inner",
    "Gist/PAGE_SPLIT 1 inner",
    "Gist/PAGE_SPLIT 2 inner",
    "Gist/PAGE_SPLIT 0 root inner many",
    "Gist/PAGE_SPLIT 1 root inner many",
    "Gist/PAGE_SPLIT 3 root inner many",
    "Gist/PAGE_DELETE 0",
    "Gist/PAGE_DELETE 1",
    "Gist/ASSIGN_LSN",
    "SPGist/ADD_LEAF 0",
    "SPGist/ADD_LEAF 0 new",
    "SPGist/ADD_LEAF 0 chain",
    "SPGist/ADD_LEAF 0 dead",
    "SPGist/ADD_LEAF 0 nulls",
    "SPGist/ADD_LEAF 0 nulls chain",
    "SPGist/ADD_LEAF 1",
    "SPGist/MOVE_LEAFS 0",
    "SPGist/MOVE_LEAFS 1",
    "SPGist/MOVE_LEAFS 2",
    "SPGist/MOVE_LEAFS 1 new",
    "SPGist/MOVE_LEAFS 0 dead",
    "SPGist/MOVE_LEAFS 1 dead",
    "SPGist/MOVE_LEAFS 0 nulls",
    "SPGist/ADD_NODE 0 in place",
    "SPGist/ADD_NODE 0 parent on 0",
    "SPGist/ADD_NODE 0 parent on 2",
    "SPGist/ADD_NODE 1 parent on 0",
    "SPGist/ADD_NODE 1 parent on 2",
    "SPGist/ADD_NODE 2 parent on 2",
    "SPGist/SPLIT_TUPLE 0 same",
    "SPGist/SPLIT_TUPLE 0",
    "SPGist/SPLIT_TUPLE 1",
    "SPGist/SPLIT_TUPLE 1 new",
    "SPGist/PICKSPLIT 1 root dest inner",
    "SPGist/PICKSPLIT 2 root dest inner",
    "SPGist/PICKSPLIT 2 root dest inner nulls",
    "SPGist/PICKSPLIT 0 dest parent",
    "SPGist/PICKSPLIT 1 dest parent",
    "SPGist/PICKSPLIT 2 dest parent",
    "SPGist/PICKSPLIT 0 dest inner",
    "SPGist/PICKSPLIT 3 dest inner",
    "SPGist/VACUUM_LEAF 0 dead placeholders",
    "SPGist/VACUUM_LEAF 0 placeholders links",
    "SPGist/VACUUM_LEAF 0 placeholders moves links",
    "SPGist/VACUUM_ROOT 0 few",
    "SPGist/VACUUM_ROOT 0 many",
    "SPGist/VACUUM_REDIRECT 0 redirects",
    "SPGist/VACUUM_REDIRECT 0 cut",
    "SPGist/VACUUM_REDIRECT 0 redirects cut",
  };

  /// The image of a page whose split the record completes; it has to be changed after it is
  /// restored.
  private static final String[] IMAGE_OF_SPLIT = {
    "Gist/PAGE_UPDATE 1 restored", "Gist/PAGE_SPLIT 0 restored",
  };

  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "18"})
  void equalsTheServersOwnPages(String version) throws Exception {
    run(version, 1);
  }

  @Tag("nightly")
  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "18"})
  void equalsTheServersOwnPagesOfALongRun(String version) throws Exception {
    run(version, 5);
  }

  private static void run(String version, int scale) throws Exception {
    var paths = new GistPaths();
    var check = new GistFileCheck(paths);
    OracleReport report =
        OracleRun.of(
            version,
            cluster ->
                cluster
                    .setting("wal_consistency_checking", "gist,spgist")
                    .setting("wal_compression", "on"),
            cluster -> {
              SpgistWorkload.of(scale).run(cluster);
              GistWorkload.of(scale).run(cluster);
            },
            check);
    assertThat(report.different).as("%s", report).isEmpty();
    assertThat(report.unknown.keySet()).noneMatch(type -> type.contains("ist/"));
    assertThat(paths.counts().keySet()).contains(ALWAYS).containsAnyOf(IMAGE_OF_SPLIT);
    assertThat(check.differences()).isEmpty();
    assertThat(check.compared()).isGreaterThan(300);
  }
}
