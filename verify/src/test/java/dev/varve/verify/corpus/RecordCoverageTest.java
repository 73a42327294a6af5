package dev.varve.verify.corpus;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.verify.TypeCount;
import dev.varve.verify.Verdict;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Every record type that a server of each version can write, and every path within it that redo
/// takes, is written by a real server, and redo makes of it what the server did: for each version,
/// and for minors that write other records than later ones of the same version.
///
/// It writes what it found to `target/record-coverage.md`.
class RecordCoverageTest {

  private static final Path REPORT = Path.of("target", "record-coverage.md");

  private static final Map<String, Verdict> VERDICTS = new LinkedHashMap<>();

  /// Written under `wal_level = minimal` only, of which verifications want nothing to know.
  private static final String UNDER_MINIMAL = "Gist/ASSIGN_LSN";

  /// What no server writes, or none of a log that is whole.
  private static final Set<String> NOT_WRITTEN =
      Set.of("XLOG/NOOP", "Heap/HOT_UPDATE+INIT", UNDER_MINIMAL);

  /// Managers that can put images for checks into their records.
  private static final Set<ResourceManager> CHECKED =
      EnumSet.range(ResourceManager.HEAP2, ResourceManager.GENERIC);

  /// Of their types those that are about no page, and those whose pages are always given whole.
  private static final Set<String> WITHOUT_CHECK =
      Set.of(
          "CommitTs/ZEROPAGE",
          "CommitTs/TRUNCATE",
          "ReplicationOrigin/SET",
          "ReplicationOrigin/DROP",
          "Heap2/REWRITE",
          "Heap2/NEW_CID",
          "Heap/TRUNCATE",
          "Btree/REUSE_PAGE",
          "Gist/PAGE_REUSE",
          "Gin/VACUUM_PAGE",
          "Hash/SPLIT_PAGE");

  /// Of other minors only what differs from the version's latest: heap and B-trees.
  private static final Set<ResourceManager> OF_OTHER_MINORS =
      EnumSet.of(
          ResourceManager.HEAP2,
          ResourceManager.HEAP,
          ResourceManager.BTREE,
          ResourceManager.SEQUENCE);

  private static final List<String> ALL_PATHS =
      List.of(
          BtreeWorkload.PATHS,
          HashWorkload.PATHS,
          GinWorkload.PATHS,
          GistWorkload.PATHS,
          SpgistWorkload.PATHS,
          BrinWorkload.PATHS,
          GenericWorkload.PATHS);

  @ParameterizedTest
  @CsvSource({
    // Compression of images takes most of the time: of two versions.
    "14, off, true, replica",
    "15, on, false, logical",
    "16, off, true, replica",
    "17, off, true, replica",
    "17.5, off, false, logical",
    "18, off, true, logical",
    "18.1, on, false, replica",
  })
  void redoMakesWhatTheServerMade(
      String version, String compression, boolean checksums, String level) throws Exception {
    run(version, compression, checksums, level, 1);
  }

  @Tag("nightly")
  @ParameterizedTest
  @CsvSource({
    "14, on, true, replica",
    "15, on, false, logical",
    "16, off, true, replica",
    "17, on, false, replica",
    "17.5, off, true, logical",
    "18, on, false, logical",
    "18.1, on, true, replica",
  })
  void redoMakesWhatTheServerMadeInALongRun(
      String version, String compression, boolean checksums, String level) throws Exception {
    run(version, compression, checksums, level, 5);
  }

  private static void run(
      String version, String compression, boolean checksums, String level, int scale)
      throws Exception {
    boolean isWhole = scale > 1 || !version.contains(".");
    try (var corpus =
        Corpus.start(
            version,
            cluster ->
                cluster
                    .checksums(checksums)
                    .setting("wal_log_hints", isWhole ? "on" : "off")
                    .setting("wal_compression", compression)
                    .setting("wal_level", level))) {
      work(corpus, isWhole, scale);
      Verdict verdict = corpus.verify();
      VERDICTS.put(version, verdict);
      assertThat(verdict.mismatches()).as("%s", verdict.total()).isEmpty();
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      requireTypes(
          verdict,
          RecordType.all(corpus.version()).stream()
              .filter(type -> isWhole || isOfOtherMinors(type))
              .toList());
      var paths = new RecordPaths();
      corpus.decode(paths);
      if (isWhole) {
        requirePaths(paths.counts().keySet(), corpus.version().major());
      } else {
        assertThat(paths.counts().keySet()).containsAll(RecordPaths.listed(BtreeWorkload.PATHS));
      }
    }
  }

  private static boolean isOfOtherMinors(RecordType.Named type) {
    return OF_OTHER_MINORS.contains(type.manager()) && !WITHOUT_CHECK.contains(type.fullName());
  }

  private static void work(Corpus corpus, boolean isWhole, int scale) throws Exception {
    int major = corpus.version().major();
    corpus.run("heap", "all", new HeapWorkload(major, 1, scale * scale));
    corpus.run("btree", "btree", BtreeWorkload.of(scale));
    if (isWhole) {
      corpus.run("gin", "gin", GinWorkload.of(scale));
      corpus.run("hash", "hash", HashWorkload.of(scale));
      corpus.run("generic", "generic", GenericWorkload.of(scale));
      corpus.run("brin", "brin", BrinWorkload.of(scale));
      corpus.run("spgist", "spgist", SpgistWorkload.of(scale));
      corpus.run("gist", "gist", GistWorkload.of(scale));
      corpus.run("server", "all", new ServerWorkload(major, scale > 1));
    }
  }

  private static void requireTypes(Verdict verdict, List<RecordType.Named> types) {
    Map<String, TypeCount> counts = counts(verdict);
    var missing = new ArrayList<String>();
    for (RecordType.Named type : types) {
      String name = type.fullName();
      TypeCount count = counts.get(name);
      if (NOT_WRITTEN.contains(name)) {
        continue;
      }
      if (count == null) {
        missing.add(name + " was not written");
      } else if (count.checked() == 0
          && CHECKED.contains(type.manager())
          && !WITHOUT_CHECK.contains(name)) {
        missing.add(name + " was not checked");
      }
    }
    assertThat(missing).isEmpty();
    assertThat(requireNonNull(counts.get("files at the end")).checked()).isGreaterThan(2_000);
  }

  private static Map<String, TypeCount> counts(Verdict verdict) {
    return verdict.counts().stream()
        .collect(Collectors.toMap(TypeCount::type, Function.identity()));
  }

  private static void requirePaths(Set<String> paths, int major) {
    ALL_PATHS.forEach(lines -> assertThat(paths).containsAll(RecordPaths.listed(lines)));
    // The image of a page whose split the record completes; it has to be changed after it is
    // restored.
    assertThat(paths).containsAnyOf("Gist/PAGE_UPDATE restored: 1", "Gist/PAGE_SPLIT restored: 0");
    // From 17 on the record does not name the page that gets nothing.
    assertThat(paths.contains("Hash/SQUEEZE_PAGE none: 1")).isEqualTo(major < 17);
  }

  /// A page is what none of these records is about: the log is decoded only.
  @ParameterizedTest
  @ValueSource(strings = {"14", "15", "16", "17", "18"})
  void decodesWhatIsWrittenUnderMinimalOnly(String version) throws Exception {
    try (var corpus =
        Corpus.start(
            version,
            cluster -> cluster.setting("wal_level", "minimal").setting("max_wal_senders", "0"))) {
      corpus.run("alone", "all", GistWorkload.notLogged());
      assertThat(corpus.verify().reason().orElseThrow()).contains("wal_level = minimal");
      var paths = new RecordPaths();
      corpus.decode(paths);
      assertThat(paths.counts()).containsKey(UNDER_MINIMAL);
    }
  }

  /// Rows that move between pages whose bits are on two pages of the visibility map; one row a
  /// page.
  @Tag("nightly")
  @ParameterizedTest
  @CsvSource({"14, false", "17, true", "17.5, false", "18, true"})
  void clearsBitsOnTwoPagesOfTheMap(String version, boolean named) throws Exception {
    Set<String> paths =
        paths(
            version,
            "all",
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
    assertThat(paths.contains("Heap/UPDATE+INIT, map: 2")).isEqualTo(named);
    assertThat(paths.contains("Heap/UPDATE+INIT, map: 3")).isEqualTo(named);
    assertThat(paths).contains("Heap/UPDATE+INIT: 1");
  }

  @Tag("nightly")
  @ParameterizedTest
  @CsvSource({"14", "18"})
  void splitsInnerPagesOfAGiantPostingTree(String version) throws Exception {
    assertThat(paths(version, "gin", GinWorkload.giant())).contains("Gin/SPLIT data inner: 3");
  }

  private static Set<String> paths(String version, String checked, Workload workload)
      throws Exception {
    try (var corpus = Corpus.start(version, cluster -> cluster)) {
      corpus.run("alone", checked, workload);
      Verdict verdict = corpus.verify();
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      var paths = new RecordPaths();
      corpus.decode(paths);
      return paths.counts().keySet();
    }
  }

  @AfterEach
  void report() throws IOException {
    var lines = new ArrayList<String>();
    lines.add("# Record types that real servers were made to write");
    lines.add("");
    lines.add(
        "Seen: records. Checked: blocks compared with an image of the page after the record.");
    VERDICTS.forEach((version, verdict) -> add(version, verdict, lines));
    Files.createDirectories(REPORT.getParent());
    Files.write(REPORT, lines);
  }

  @AfterAll
  static void say() {
    System.out.println("Record coverage: " + REPORT.toAbsolutePath());
  }

  private static void add(String version, Verdict verdict, List<String> lines) {
    lines.addAll(
        List.of(
            "",
            "## PostgreSQL " + version,
            "",
            "| record type | seen | checked | full-page images compared | mismatched |",
            "|---|--:|--:|--:|--:|"));
    for (TypeCount count : verdict.counts()) {
      lines.add(
          "| %s | %d | %d | %d | %d |"
              .formatted(
                  count.type(), count.seen(), count.checked(), count.images(), count.mismatched()));
    }
  }
}
