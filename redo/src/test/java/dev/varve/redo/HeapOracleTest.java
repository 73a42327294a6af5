package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Redo against the pages of real servers, for each version, and for minors that write other
/// records than later ones of the same version.
class HeapOracleTest {

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
    "14, on, true",
    "15, on, false",
    "16, on, true",
    "17, on, true",
    "17.5, off, false",
    "18, on, true",
    "18.1, on, false",
  })
  void equalsTheServersOwnPages(String version, String compression, boolean checksums)
      throws Exception {
    run(version, compression, checksums, 1);
  }

  @Tag("nightly")
  @ParameterizedTest
  @CsvSource({
    "14, on, true",
    "15, on, false",
    "16, on, true",
    "17, on, false",
    "17.5, off, true",
    "18, on, false",
    "18.1, on, true",
  })
  void equalsTheServersOwnPagesOfALongRun(String version, String compression, boolean checksums)
      throws Exception {
    run(version, compression, checksums, 20);
  }

  private static void run(String version, String compression, boolean checksums, int scale)
      throws Exception {
    int major = Integer.parseInt(version.replaceAll("\\..*", ""));
    OracleReport report =
        OracleRun.of(
            version,
            cluster -> cluster.checksums(checksums).setting("wal_compression", compression),
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
