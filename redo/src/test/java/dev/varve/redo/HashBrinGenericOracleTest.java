package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Redo of hash and BRIN indexes and of Generic records against the pages of real servers.
///
/// Three paths no server is made to take here; {@link HashRedoTest} has them: a second bitmap page
/// takes 32768 overflow pages, a page behind the one that is squeezed out is never there, and the
/// image of SPLIT_PAGE always is.
class HashBrinGenericOracleTest {

  /// What is compared with every server's pages: record types, as {@link RecordPaths} tells them
  /// apart, and the ids of their blocks.
  private static final String[] ALWAYS = {
    "BRIN/CREATE_INDEX: 0",
    "BRIN/DESUMMARIZE: 0 1",
    "BRIN/INSERT: 0 1",
    "BRIN/INSERT+INIT: 0 1",
    "BRIN/REVMAP_EXTEND: 0 1",
    "BRIN/SAMEPAGE_UPDATE: 0",
    "BRIN/UPDATE: 0 1 2",
    "BRIN/UPDATE+INIT: 0 1 2",
    "Generic/Generic: 0 1",
    "Hash/ADD_OVFL_PAGE: 0 1 4",
    "Hash/ADD_OVFL_PAGE reused: 0 1 2 4",
    "Hash/DELETE few: 0 1",
    "Hash/DELETE many: 0 1",
    "Hash/DELETE many dead: 0 1",
    "Hash/INIT_BITMAP_PAGE: 0 1",
    "Hash/INIT_BITMAP_PAGE, init fork: 0 1",
    "Hash/INIT_META_PAGE: 0",
    "Hash/INIT_META_PAGE, init fork: 0",
    "Hash/INSERT: 0 1",
    "Hash/MOVE_PAGE_CONTENTS few: 0 1 2",
    "Hash/MOVE_PAGE_CONTENTS few first: 1 2",
    "Hash/MOVE_PAGE_CONTENTS many: 0 1 2",
    "Hash/MOVE_PAGE_CONTENTS many first: 1 2",
    "Hash/SPLIT_ALLOCATE_PAGE: 0 1 2",
    "Hash/SPLIT_ALLOCATE_PAGE masks point: 0 1 2",
    "Hash/SPLIT_ALLOCATE_PAGE point: 0 1 2",
    "Hash/SPLIT_CLEANUP: 0",
    "Hash/SPLIT_COMPLETE: 0 1",
    "Hash/SQUEEZE_PAGE many before: 0 1 2 5",
    "Hash/SQUEEZE_PAGE many: 0 1 2 3 5 6",
    "Hash/SQUEEZE_PAGE many first before: 1 2 5 6",
    "Hash/SQUEEZE_PAGE many first: 1 2 3 5 6",
    "Hash/SQUEEZE_PAGE none before: 0 1 2 5 6",
    "Hash/SQUEEZE_PAGE none: 0 2 3 5 6",
    "Hash/SQUEEZE_PAGE none first before: 1 2 5 6",
    "Hash/SQUEEZE_PAGE none first: 1 2 3 5 6",
    "Hash/UPDATE_META_PAGE: 0",
    "Hash/VACUUM_ONE_PAGE few: 0 1",
    "Hash/VACUUM_ONE_PAGE many: 0 1",
  };

  private static final String INIT_FORK = ", init fork";

  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "18"})
  void equalsTheServersOwnPages(String version) throws Exception {
    run(version, 1);
  }

  @Tag("nightly")
  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "17.5", "18", "18.1"})
  void equalsTheServersOwnPagesOfALongRun(String version) throws Exception {
    run(version, 6);
  }

  /// All three, one after the other, on one server.
  static OracleRun.Workload workload(int scale) {
    return cluster -> {
      HashWorkload.of(scale).run(cluster);
      GenericWorkload.of(scale).run(cluster);
      BrinWorkload.of(scale).run(cluster);
    };
  }

  private static void run(String version, int scale) throws Exception {
    var paths = new RecordPaths();
    OracleReport report =
        OracleRun.of(
            version,
            cluster -> cluster.setting("wal_consistency_checking", "hash,brin,generic"),
            workload(scale),
            paths);
    assertThat(report.different).as("%s", report).isEmpty();
    assertThat(report.unknown).isEmpty();
    List<String> compared = report.samples.stream().map(ChangeSample::type).toList();
    assertThat(compared)
        .contains(
            Stream.of(ALWAYS).flatMap(HashBrinGenericOracleTest::blocks).toArray(String[]::new));
    assertThat(paths.counts()).containsKey("Hash/SPLIT_PAGE 0 restored");
    // From 17 on the record does not name the page that gets nothing.
    assertThat(compared.contains("Hash/SQUEEZE_PAGE none block 1 fork 0"))
        .isEqualTo(Integer.parseInt(version.replaceAll("\\..*", "")) < 17);
  }

  private static Stream<String> blocks(String line) {
    String type = line.substring(0, line.lastIndexOf(':'));
    int fork = type.endsWith(INIT_FORK) ? 3 : 0;
    return Stream.of(line.substring(line.lastIndexOf(':') + 2).split(" "))
        .map(id -> type.replace(INIT_FORK, "") + " block " + id + " fork " + fork);
  }
}
