package dev.varve.verify.corpus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.postgres.PgLayout;
import dev.varve.redo.Redo;
import dev.varve.verify.Mismatch;
import dev.varve.verify.Verdict;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The corpus itself: that it finds out what it is there to find out.
class CorpusTest {

  private static final int PAGE = 8192;

  /// Bytes that no image in a record covers, each changed in the files of the stopped server.
  @ParameterizedTest
  @ValueSource(strings = {"14", "16", "17"}) // which build indexes and maps in different ways
  void findsWhatImagesAreBlindFor(String version) throws Exception {
    try (var corpus = Corpus.start(version, cluster -> cluster)) {
      corpus.run(
          "alone",
          "all",
          cluster ->
              cluster.execute(
                  "create table t as select point(g, g) p from generate_series(1, 1000) g",
                  "create index gist on t using gist (p)",
                  "create index spgist on t using spgist (p)",
                  "insert into t select point(g, -g) from generate_series(1, 1000) g",
                  "vacuum t"));
      List<String> damaged = new ArrayList<>();
      LocalCluster cluster = corpus.cluster();
      String gist = path(cluster, "gist");
      String spgist = path(cluster, "spgist");
      String map = path(cluster, "t") + "_vm";
      assertThat(corpus.verify().isGood()).isTrue();
      damaged.add(flip(cluster, gist, PAGE + 6)); // LSN
      damaged.add(flip(cluster, gist, 2 * PAGE + PAGE - 16 + 6)); // NSN
      damaged.add(flip(cluster, gist, 3 * PAGE + PAGE - 16 + 12, 8)); // follow right
      damaged.add(flip(cluster, spgist, PAGE + 6)); // LSN
      damaged.add(flip(cluster, map, 24)); // all visible
      damaged.add(flip(cluster, "pg_xact/0000", 200));
      damaged.add(flip(cluster, "pg_commit_ts/0000", 7000));
      Verdict verdict = corpus.verify();
      assertThat(verdict.mismatches())
          .as("%s", damaged)
          .hasSameSizeAs(damaged)
          .extracting(Mismatch::type)
          .containsOnly("files at the end");
    }
  }

  private static String path(LocalCluster cluster, String relation) throws Exception {
    return cluster.query("select pg_relation_filepath('alone." + relation + "')");
  }

  private static String flip(LocalCluster cluster, String file, long at) throws IOException {
    return flip(cluster, file, at, 1);
  }

  private static String flip(LocalCluster cluster, String file, long at, int bit)
      throws IOException {
    try (var bytes = new RandomAccessFile(cluster.dataDirectory().resolve(file).toFile(), "rw")) {
      bytes.seek(at);
      int old = bytes.read();
      bytes.seek(at);
      bytes.write(old ^ bit);
      return file + " at " + at;
    }
  }

  @Test
  void takesSamplesThatRedoMakesAgain() throws Exception {
    try (var corpus = Corpus.start("18", cluster -> cluster)) {
      corpus.run(
          "alone",
          "all",
          cluster ->
              cluster.execute(
                  "create table t (i int primary key)",
                  "insert into t select g from generate_series(1, 500) g",
                  "update t set i = -i where i % 9 = 0",
                  "delete from t where i % 7 = 0",
                  "vacuum t"));
      assertThat(corpus.verify().isGood()).isTrue();
      var sampler = new ChangeSampler(corpus.version());
      corpus.decode(sampler);
      assertThat(sampler.samples())
          .containsKeys(
              "Heap/INSERT+INIT block 0 fork 0",
              "Heap/INSERT block 0 fork 0",
              "Heap/DELETE block 0 fork 0",
              "Heap2/VISIBLE block 0 fork 2",
              "Btree/INSERT_LEAF block 0 fork 0",
              "Btree/NEWROOT leaf block 0 fork 0");
      var redo = new Redo(corpus.version());
      for (ChangeSampler.Sample sample : sampler.samples().values()) {
        MemorySegment page = MemorySegment.ofArray(sample.before().toArray(PgLayout.BYTE));
        redo.apply(sample.key(), sample.lsn(), page, sample.change());
        assertThat(page.mismatch(sample.after())).as("%s", sample.type()).isEqualTo(-1);
      }
    }
  }
}
