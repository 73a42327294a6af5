package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Readers of a layer that is being written see everything up to the LSN that was published, whole.
///
/// At an even LSN comes a key of its own, at an odd one the next of {@link #HOT} keys; what a
/// version holds follows from its LSN, so a reader can tell what it must find.
class MemoryConcurrencyTest {

  private static final int LSNS = 200_000;
  private static final int HOT = 50;
  private static final int READERS = 3;
  private static final long UPPER = Key.upper(0, 1663);
  private static final long OWN = Key.middle(5, 1);
  private static final long SHARED = Key.middle(5, 2);

  private final AtomicLong published = new AtomicLong();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  private static int length(long lsn) {
    return 8 * (1 + (int) (lsn * 31 % 40));
  }

  private static void write(MemoryLayer layer, AtomicLong published) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[8 * 40]);
    for (long lsn = 1; lsn <= LSNS; lsn++) {
      for (long at = 0; at < length(lsn); at += 8) {
        bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, at, lsn + at);
      }
      long middle = lsn % 2 == 0 ? OWN : SHARED;
      long lower = lsn % 2 == 0 ? lsn : lsn / 2 % HOT;
      layer.put(UPPER, middle, lower, lsn, false, true, bytes, 0, length(lsn));
      published.setRelease(lsn);
    }
  }

  private static void check(long lsn, MemorySegment bytes) {
    if (bytes.byteSize() != length(lsn)) {
      throw new AssertionError(lsn + ": length " + bytes.byteSize());
    }
    for (long at = 0; at < bytes.byteSize(); at += 8) {
      if (bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, at) != lsn + at) {
        throw new AssertionError(lsn + ": wrong byte at " + at);
      }
    }
  }

  private void read(MemoryLayer layer, SplittableRandom random) {
    long upTo = 0;
    while (upTo < LSNS) {
      upTo = published.getAcquire();
      if (upTo > 2 * HOT) {
        readHot(layer, upTo, random.nextInt(HOT));
        readOwn(layer, (1 + random.nextLong(upTo / 2)) * 2);
      }
    }
  }

  private static void readOwn(MemoryLayer layer, long lsn) {
    boolean found =
        layer.find(
            UPPER,
            OWN,
            lsn,
            0,
            lsn + 1,
            (at, image, initializes, bytes) -> {
              check(lsn, bytes);
              return at == lsn && !image && initializes;
            });
    if (!found) {
      throw new AssertionError("not found: " + lsn);
    }
  }

  private static void readHot(MemoryLayer layer, long upTo, int hot) {
    long newest = upTo - 1 + upTo % 2;
    newest -= 2L * Math.floorMod(newest / 2 - hot, HOT);
    long[] next = {newest, 5};
    layer.find(
        UPPER,
        SHARED,
        hot,
        0,
        upTo + 1,
        (lsn, _, _, bytes) -> {
          check(lsn, bytes);
          if (lsn != next[0]) {
            throw new AssertionError("found " + lsn + " instead of " + next[0]);
          }
          next[0] -= 2 * HOT;
          return --next[1] == 0;
        });
    if (next[0] > 0 && next[1] > 0) {
      throw new AssertionError("not found: " + next[0] + " of key " + hot + " up to " + upTo);
    }
  }

  private Thread start(String name, Runnable task) {
    return Thread.ofPlatform()
        .name(name)
        .start(() -> {
          try {
            task.run();
          } catch (RuntimeException | AssertionError e) {
            failure.set(e);
          }
        });
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void readersSeeWhatIsPublished(long seed) throws Exception {
    var budget = new MemoryBudget(1 << 30);
    try (var layer = new MemoryLayer(1, budget)) {
      var threads = new ArrayList<Thread>();
      for (int i = 0; i < READERS; i++) {
        var random = new SplittableRandom(seed * 100 + i);
        threads.add(start("reader " + i, () -> read(layer, random)));
      }
      threads.add(start("walker", () -> walk(layer)));
      write(layer, published);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failure.get()).isNull();
      assertThat(layer.versions()).isEqualTo(LSNS);
      assertThat(layer.keyCount()).isEqualTo(LSNS / 2 + HOT);
    }
    assertThat(budget.used()).isZero();
  }

  private void walk(MemoryLayer layer) {
    long upTo = 0;
    while (upTo < LSNS) {
      upTo = published.getAcquire();
      long count = 0;
      try (LayerCursor cursor = layer.cursor(KeyRange.ALL)) {
        while (cursor.next()) {
          check(cursor.lsn(), cursor.bytes());
          count++;
        }
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      if (count < upTo) {
        throw new AssertionError("walked over " + count + " of " + upTo);
      }
    }
  }

  /// Whoever gets a reference can read, however soon the owner gives up his.
  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void memoryIsFreedUnderNobody(long seed) throws Exception {
    var budget = new MemoryBudget(1 << 30);
    var current = new AtomicReference<MemoryLayer>(small(budget, 0));
    var reads = new AtomicLong();
    var stop = new AtomicBoolean();
    var readers = new ArrayList<Thread>();
    for (int i = 0; i < READERS; i++) {
      readers.add(start("reader " + i, () -> readAcquired(current, reads, stop)));
    }
    var random = new SplittableRandom(seed);
    for (int i = 1; failure.get() == null && (i < 1500 || reads.get() < 20_000); i++) {
      MemoryLayer old = current.getAndSet(small(budget, i));
      for (int spin = random.nextInt(1000); spin > 0; spin--) {
        Thread.onSpinWait();
      }
      old.close();
    }
    MemoryLayer last = current.get();
    stop.set(true);
    last.close();
    for (Thread reader : readers) {
      reader.join();
    }
    assertThat(failure.get()).isNull();
    assertThat(budget.used()).isZero();
  }

  private static MemoryLayer small(MemoryBudget budget, int index) {
    var layer = new MemoryLayer(1, budget);
    MemorySegment bytes = MemorySegment.ofArray(new long[] {index});
    layer.put(UPPER, OWN, 1, 1, true, true, bytes, 0, 8);
    return layer;
  }

  private static void readAcquired(
      AtomicReference<MemoryLayer> current, AtomicLong reads, AtomicBoolean stop) {
    while (!stop.get()) {
      MemoryLayer layer = current.get();
      if (layer.acquire()) {
        try {
          if (!layer.find(UPPER, OWN, 1, 0, 2, (_, _, _, bytes) -> bytes.byteSize() == 8)) {
            throw new AssertionError("not found");
          }
          reads.incrementAndGet();
        } finally {
          layer.release();
        }
      }
    }
  }
}
