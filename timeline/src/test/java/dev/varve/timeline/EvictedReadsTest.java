package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.varve.layer.LayerFiles;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.SteppedThreads;
import dev.varve.task.TaskBody;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Pages whose layers are in object storage, and what it takes to read them.
@Timeout(120)
class EvictedReadsTest extends EvictedLayers {

  /// Of what a busy machine may keep from being as fast as it should be.
  private static final int MOST_ATTEMPTS = 50;

  @Test
  void aFirstPageOfManyLayersTakesThreeRoundTrips() throws IOException {
    List<HistoricLayer> files = history(IMAGES_AT);
    long[] expected = readAll(reader(files, null));
    evict(files);
    store.delayMillis = 20;
    var millis = new TreeSet<Long>();
    var waves = new TreeSet<Integer>();
    var atOnce = new TreeSet<Integer>();
    for (int i = 0; i < 10 || (i < MOST_ATTEMPTS && millis.first() >= 100); i++) {
      PageReader reader = reader(attached(files, anew()), null);
      int block = random.nextInt(KEYS / 2); // the index of the last part comes with the root
      store.reset();
      long start = System.nanoTime();
      assertThat(read(reader, block)).isEqualTo(expected[block]);
      millis.add(Duration.ofNanos(System.nanoTime() - start).toMillis());
      assertThat(store.calls).hasValueLessThanOrEqualTo(3 * files.size());
      assertThat(store.bytes).hasValueLessThanOrEqualTo(1 << 20);
      atOnce.add(store.mostAtOnce.get());
      waves.add(store.waves());
    }
    // of the best, as others may have use for the processors
    assertThat(millis.first()).isBetween(60L, 99L);
    assertThat(waves.first()).isEqualTo(3);
    assertThat(atOnce.last()).isGreaterThanOrEqualTo(files.size() - 1);
    store.delayMillis = 0;
    assertThat(readAll(reader(attached(files, anew()), null))).isEqualTo(expected);
    assertThat(readAll(reader(files, null))).isEqualTo(expected);
  }

  @Test
  void layersBelowImagesAreNotFetched() throws IOException {
    List<HistoricLayer> old = history(IMAGES_AT);
    List<HistoricLayer> newer = history(IMAGES_AT + 500);
    var files = new ArrayList<>(old);
    files.addAll(newer);
    long[] expected = readAll(reader(files, null));
    evict(files);
    PageReader reader = reader(attached(files, anew()), null);
    for (int block = 0; block < KEYS; block += 7) {
      assertThat(read(reader, block)).isEqualTo(expected[block]);
    }
    for (HistoricLayer each : old) {
      assertThat(store.read).doesNotContain(each.entry().name());
    }
  }

  @Test
  void layersOfTheAncestorAreFetchedAtTheSameTime() throws IOException {
    List<HistoricLayer> above = history(IMAGES_AT);
    List<HistoricLayer> own = List.of(delta(BRANCH_AT + 10), delta(BRANCH_AT + 20));
    long[] expected = readAll(reader(own, reader(above, null)));
    evict(above);
    evict(own);
    store.delayMillis = 20;
    requireOnceInAWhile(
        () -> {
          LayerFiles anew = anew();
          PageReader branch = reader(attached(own, anew), reader(attached(above, anew), null));
          assertThat(read(branch, 55)).isEqualTo(expected[55]);
        },
        () -> store.waves() <= 3);
    store.delayMillis = 0;
    LayerFiles anew = anew();
    PageReader branch = reader(attached(own, anew), reader(attached(above, anew), null));
    assertThat(readAll(branch)).isEqualTo(expected);
  }

  @Test
  void aBatchIsFetchedAtOnce() throws IOException {
    List<HistoricLayer> files = history(IMAGES_AT);
    long[] expected = readAll(reader(files, null));
    evict(files);
    store.delayMillis = 20;
    requireOnceInAWhile(
        () -> {
          batch(files, expected, List.of(10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20));
          assertThat(store.calls).hasValueLessThanOrEqualTo(3 * files.size() + 3);
        },
        () -> store.waves() <= 4);
    requireOnceInAWhile(
        () -> batch(files, expected, List.of(390, 3, 100, 200)), () -> store.waves() <= 5);
  }

  /// What is done at the same time begins at the same time, unless others have use for the
  /// processors.
  private void requireOnceInAWhile(Runnable reads, BooleanSupplier condition) {
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
      store.reset();
      reads.run();
      if (condition.getAsBoolean()) {
        return;
      }
    }
    fail("%d round trips, one after the other", store.waves());
  }

  private void batch(List<HistoricLayer> files, long[] expected, List<Integer> blocks) {
    PageReader reader = reader(attached(files, anew()), null);
    MemorySegment pages = Arena.ofAuto().allocate(8192L * blocks.size());
    var failures = new TreeMap<Integer, PageserverException>();
    try (var batch = new BatchRead(reader, new Lsn(LAST), builder(), new HashRedo())) {
      batch.run(blocks.stream().map(EvictedReadsTest::key).toList(), pages, failures::put);
    }
    assertThat(failures).isEmpty();
    for (int i = 0; i < blocks.size(); i++) {
      assertThat(pages.get(JAVA_LONG_UNALIGNED, 8192L * i)).isEqualTo(expected[blocks.get(i)]);
    }
  }

  @Test
  void aStoreThatFailsIsAnErrorThatNamesTheObjectAndTheNextReadIsRight() throws IOException {
    List<HistoricLayer> files = history(IMAGES_AT);
    long[] expected = readAll(reader(files, null));
    evict(files);
    int failed = 0;
    for (int i = 0; i <= 3 * files.size(); i++) {
      PageReader reader = reader(attached(files, anew()), null);
      store.reset();
      store.failing = i;
      try {
        assertThat(read(reader, 9)).isEqualTo(expected[9]);
      } catch (PageserverException.Unavailable e) {
        assertThat(e)
            .hasMessageStartingWith("timeline \"t\" can't read " + key(9) + " as of 0/7D0: object ")
            .hasMessageEndingWith("-00000003 can't be read: injected");
        failed++;
      }
      store.failing = -1;
      assertThat(read(reader, 9)).isEqualTo(expected[9]);
    }
    assertThat(failed).isEqualTo(3 * files.size());
    assertThat(damaged.isEmpty()).isTrue();
  }

  @Test
  void aStoreThatIsAwayIsAskedOnceForEachLayer() throws IOException {
    List<HistoricLayer> files = history(IMAGES_AT);
    evict(files);
    store.failing = SlowStore.ALWAYS;
    PageReader reader = reader(attached(files, anew()), null);
    assertThatThrownBy(() -> read(reader, 9)).isInstanceOf(PageserverException.Unavailable.class);
    assertThat(store.calls).hasValue(files.size());
  }

  @Test
  void aDamagedObjectIsNamed() throws IOException {
    List<HistoricLayer> files = history(IMAGES_AT);
    evict(files);
    var name = files.get(4).entry().name();
    store.damage(name);
    PageReader reader = reader(attached(files, anew()), null);
    assertThatThrownBy(() -> read(reader, 9))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("object " + name + "-00000003 is damaged at byte ");
  }

  @Test
  void itIsTheSameWithSteppedThreads() throws IOException {
    var stepped = new SteppedThreads(new SplittableRandom(7), Instant.EPOCH);
    tasks.close();
    open(stepped);
    List<HistoricLayer> files = history(IMAGES_AT);
    long[] expected = readAll(reader(files, null));
    evict(files);
    store.pausing = true;
    PageReader reader = reader(attached(files, anew()), null);
    TaskBody another = _ -> assertThat(read(reader, 3)).isEqualTo(expected[3]);
    for (int i = 0; i < 5; i++) {
      tasks.submit(TaskSpec.once(TaskKind.SERVICE, "another", another));
    }
    assertThat(read(reader, 3)).isEqualTo(expected[3]);
    stepped.settle();
    assertThat(readAll(reader)).isEqualTo(expected);
    assertThat(tasks.report()).isEmpty();
  }

  private static List<Long> scan(PageReader reader, KeyRange keys) {
    var found = new ArrayList<Long>();
    Scan.run(
        reader, keys, LAST, () -> {}, (_, bytes) -> found.add(bytes.get(JAVA_LONG_UNALIGNED, 0)));
    return found;
  }

  @Test
  void aScanOpensLayersAtTheSameTime() throws IOException {
    var files = new ArrayList<HistoricLayer>();
    for (int i = 0; i < 6; i++) {
      files.add(images(IMAGES_AT + i));
    }
    evict(files);
    store.delayMillis = 20;
    requireOnceInAWhile(
        () -> {
          PageReader reader = reader(attached(files, anew()), null);
          List<Long> found = scan(reader, new KeyRange(key(10), key(14)));
          assertThat(found).hasSize(4).startsWith((IMAGES_AT + 5) * 1000 + 10);
        },
        () -> store.mostAtOnce.get() >= 5);
    store.delayMillis = 0;
    assertThat(scan(reader(attached(files, anew()), null), KeyRange.ALL)).hasSize(KEYS);
  }

  @Test
  void aScanThatMissesALayerFails() throws IOException {
    var files = List.of(images(IMAGES_AT), images(IMAGES_AT + 1), images(IMAGES_AT + 2));
    evict(files);
    var keys = new KeyRange(key(0), key(20));
    for (int i = 0; i < 9; i++) {
      PageReader reader = reader(attached(files, anew()), null);
      store.reset();
      store.failing = i;
      assertThatThrownBy(() -> scan(reader, keys))
          .isInstanceOf(PageserverException.Unavailable.class)
          .hasMessageContaining("can't be read: injected");
      store.failing = -1;
      assertThat(scan(reader, keys)).hasSize(20).startsWith((IMAGES_AT + 2) * 1000);
    }
  }

  @Test
  void aLayerThatIsElsewhereIsNotMissing() throws IOException {
    var files = List.of(images(IMAGES_AT), delta(IMAGES_AT + 10));
    evict(files);
    var map = LayerMap.first(HistoricLayers.of(files));
    damaged.lookAgain(map, true);
    assertThat(damaged.list()).isEmpty();
    Path file = new TimelineFiles(folder).layer(files.getFirst().entry().name());
    damaged.note(file, "was damaged when it was here");
    damaged.lookAgain(map, true);
    assertThat(damaged.list()).isEmpty();
  }
}
