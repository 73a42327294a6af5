package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.FuzzCounts.Outcome;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// {@link RedoFuzz} over many cases; `-Dseed=7` runs case 7 alone.
class RedoFuzzTest {

  private static final long HANG_SECONDS = 60;

  /// Those that have a redo.
  private static final int[] MANAGERS = {0, 9, 10, 11, 12, 13, 14, 15, 16, 17, 20};

  @Test
  void survivesAHundredThousandDamagedRecords() throws Exception {
    run(0, 100_000);
  }

  @Test
  @Tag("nightly")
  void survivesTenMillionDamagedRecords() throws Exception {
    run(1_000_000_000, 10_000_000);
  }

  /// One thread a core, each with cases of its own; the first failure ends it.
  private static void run(long first, long count) throws Exception {
    FuzzCorpus corpus = FuzzCorpus.load();
    Long seed = Long.getLong("seed");
    long from = seed == null ? first : seed;
    long to = seed == null ? first + count : seed + 1;
    long start = System.nanoTime();
    List<FuzzThread> threads = new ArrayList<>();
    int cores = Runtime.getRuntime().availableProcessors();
    for (int i = 0; i < cores; i++) {
      threads.add(new FuzzThread(corpus, from + i, to, cores));
    }
    threads.forEach(Thread::start);
    var counts = new FuzzCounts();
    for (FuzzThread thread : threads) {
      thread.await(HANG_SECONDS, threads);
      counts.add(thread.counts());
    }
    System.out.printf(
        "%d damaged records in %.1f s%n%s", to - from, (System.nanoTime() - start) / 1e9, counts);
    if (seed == null) {
      assertThat(counts.total(Outcome.REFUSED)).isBetween(count / 100, count / 2);
      for (int rmgr : MANAGERS) {
        assertThat(counts.of(rmgr, Outcome.PAGE)).as("pages, %d", rmgr).isPositive();
        assertThat(counts.of(rmgr, Outcome.CORRUPTED) > 0 || rmgr == Change.XLOG)
            .as("errors, %d", rmgr)
            .isTrue();
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dev.varve.redo.ChangeSample#names")
  void beginsWithTheRecordsThatTheSamplesAreOf(String name) throws Exception {
    PgVersion version = PgVersion.ofMajor(Integer.parseInt(name.replaceAll("\\D", "")));
    List<ChangeSample> samples = ChangeSample.of(name);
    var redo = new Redo(version);
    for (var entry : FuzzCorpus.records(version, samples).entrySet()) {
      byte[] bytes = entry.getValue().toBytes(8);
      var record = new WalRecord(version);
      record.parse(MemorySegment.ofArray(bytes), 0, bytes.length, 16, entry.getKey());
      for (ChangeSample sample : samples) {
        if (sample.lsn() == entry.getKey()) {
          int i = record.findBlock(sample.change().get(PgLayout.BYTE, 3));
          MemorySegment change = MemorySegment.ofArray(new byte[ChangeWriter.sizeBound(record, i)]);
          int length = ChangeWriter.write(record, i, change, 0);
          MemorySegment page = MemorySegment.ofArray(sample.before().toArray(PgLayout.BYTE));
          redo.apply(sample.key(), sample.lsn(), page, change.asSlice(0, length));
          assertThat(page.mismatch(sample.after())).as("%s", sample).isEqualTo(-1);
        }
      }
    }
  }

  /// A way in which redo could be wrong, and what the fuzzer must say of it.
  enum Wrong {
    ARRAY_INDEX("left its bounds"),
    WRAPPED_INDEX("left its bounds"),
    WRITES_THE_CHANGE("was written to"),
    SLOW("ms"),
    GREEDY("bytes of heap");

    final String said;

    Wrong(String said) {
      this.said = said;
    }

    RedoFuzz.Applier applier() {
      return (_, _, _, change) -> {
        switch (this) {
          case ARRAY_INDEX -> throw new ArrayIndexOutOfBoundsException(3);
          case WRAPPED_INDEX ->
              throw new DataCorrupted("out of bounds", new IndexOutOfBoundsException(3));
          case WRITES_THE_CHANGE -> {
            if (change.byteSize() > 0) {
              change.set(PgLayout.BYTE, 0, (byte) (change.get(PgLayout.BYTE, 0) + 1));
            }
          }
          case SLOW -> {
            long end = System.nanoTime() + 120_000_000;
            while (System.nanoTime() < end) {
              Thread.onSpinWait();
            }
          }
          case GREEDY -> Arrays.fill(new byte[1_000_000], (byte) 1);
        }
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void noticesAWrongRedo(Wrong wrong) throws Exception {
    try (var fuzz = new RedoFuzz(FuzzCorpus.load(), _ -> wrong.applier())) {
      assertThatThrownBy(
              () -> {
                for (long seed = 0; seed < 1000; seed++) {
                  fuzz.run(seed);
                }
              })
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining(wrong.said)
          .hasMessageContaining("-Dseed=");
    }
  }
}
