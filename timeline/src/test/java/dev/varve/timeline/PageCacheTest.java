package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(180)
class PageCacheTest {

  private static final int SET = 8 * 8192;

  private final PageCache.Hit hit = new PageCache.Hit();
  private final MemorySegment page = Arena.ofAuto().allocate(8192);

  private static MemorySegment filled(long value) {
    MemorySegment bytes = Arena.ofAuto().allocate(8192);
    fill(bytes, value);
    return bytes;
  }

  private static void fill(MemorySegment bytes, long value) {
    for (long at = 0; at < 8192; at += 8) {
      bytes.set(JAVA_LONG, at, value);
    }
  }

  private static boolean isFilled(MemorySegment bytes, long value) {
    for (long at = 0; at < 8192; at += 8) {
      if (bytes.get(JAVA_LONG, at) != value) {
        return false;
      }
    }
    return true;
  }

  private boolean get(PageCache cache, long owner, long block, long lsn) {
    return cache.get(owner, 1, 2, block, lsn, page, hit);
  }

  private static void put(PageCache cache, long owner, long block, long from, long upTo) {
    cache.put(owner, 1, 2, block, from, upTo, PageCache.NONE, filled(from));
  }

  @Test
  void anEntryAnswersFromItsNewestVersionOn() {
    var cache = new PageCache(SET);
    put(cache, 7, 3, 100, 150);
    assertThat(get(cache, 7, 3, 99)).isFalse();
    assertThat(get(cache, 7, 3, 100)).isTrue();
    assertThat(isFilled(page, 100)).isTrue();
    assertThat(get(cache, 7, 3, 151)).isTrue();
    assertThat(hit.from).isEqualTo(100);
    assertThat(hit.upTo).isEqualTo(150);
    assertThat(get(cache, 7, 4, 120)).isFalse();
    assertThat(get(cache, 8, 3, 120)).isFalse();
    assertThat(cache.get(7, 1, 3, 3, 120, page, hit)).isFalse();
    assertThat(cache.get(7, 2, 2, 3, 120, page, hit)).isFalse();
    assertThat(cache.hits()).isEqualTo(1);
    assertThat(cache.baseHits()).isEqualTo(1);
    assertThat(cache.misses()).isEqualTo(5);
    assertThat(cache.bytes()).isEqualTo(8192);
  }

  @Test
  void lsnsAreUnsigned() {
    var cache = new PageCache(SET);
    put(cache, 1, 1, Long.MIN_VALUE + 5, Long.MIN_VALUE + 9);
    assertThat(get(cache, 1, 1, Long.MAX_VALUE)).isFalse();
    assertThat(get(cache, 1, 1, Long.MIN_VALUE + 9)).isTrue();
  }

  @Test
  void theNewestThatIsNotTooNewIsTaken() {
    var cache = new PageCache(SET);
    put(cache, 1, 1, 100, 110);
    put(cache, 1, 1, 300, 310);
    put(cache, 1, 1, 200, 210);
    assertThat(get(cache, 1, 1, 250)).isTrue();
    assertThat(isFilled(page, 200)).isTrue();
    assertThat(get(cache, 1, 1, 199)).isTrue();
    assertThat(isFilled(page, 100)).isTrue();
    assertThat(get(cache, 1, 1, 300)).isTrue();
    assertThat(isFilled(page, 300)).isTrue();
  }

  @Test
  void whatIsKnownForLongerStays() {
    var cache = new PageCache(SET);
    put(cache, 1, 1, 100, 150);
    put(cache, 1, 1, 100, 130);
    assertThat(get(cache, 1, 1, 150)).isTrue();
    assertThat(hit.upTo).isEqualTo(150);
    put(cache, 1, 1, 100, 170);
    assertThat(get(cache, 1, 1, 150)).isTrue();
    assertThat(hit.upTo).isEqualTo(170);
    assertThat(cache.bytes()).isEqualTo(8192);
  }

  @Test
  void aPageReplacesTheOneItWasMadeOf() {
    var cache = new PageCache(SET);
    put(cache, 1, 1, 100, 150);
    cache.put(1, 1, 2, 1, 180, 190, 100, filled(180));
    assertThat(cache.bytes()).isEqualTo(8192);
    assertThat(get(cache, 1, 1, 120)).isFalse();
    assertThat(get(cache, 1, 1, 185)).isTrue();
    assertThat(isFilled(page, 180)).isTrue();
  }

  @Test
  void withoutMemoryNothingIsKept() {
    var cache = new PageCache(SET - 1);
    put(cache, 1, 1, 100, 150);
    assertThat(get(cache, 1, 1, 120)).isFalse();
    assertThat(cache.limit()).isZero();
  }

  @Test
  void pagesReadOnceDoNotDriveOutWhatIsReadAgainAndAgain() {
    var cache = new PageCache(16 * SET);
    int hot = 40;
    for (int block = 0; block < hot; block++) {
      put(cache, 1, block, 10, 20);
      assertThat(get(cache, 1, block, 10)).isTrue();
    }
    int lost = 0;
    for (int block = 1000; block < 21_000; block++) {
      put(cache, 1, block, 10, 20);
      if (block % 2 == 0) {
        lost += get(cache, 1, block / 2 % hot, 10) ? 0 : 1;
      }
    }
    assertThat(cache.bytes()).isEqualTo(cache.limit());
    assertThat(lost).isZero();
  }

  @Test
  void whatIsNoLongerReadGoes() {
    var cache = new PageCache(SET);
    for (int block = 0; block < 8; block++) {
      put(cache, 1, block, 10, 20);
      for (int i = 0; i < 5; i++) {
        get(cache, 1, block, 10);
      }
    }
    for (int i = 0; i < 200; i++) {
      put(cache, 1, 100 + i % 6, 10, 20);
      get(cache, 1, 100 + i % 6, 10);
    }
    for (int block = 100; block < 106; block++) {
      assertThat(get(cache, 1, block, 10)).isTrue();
    }
  }

  /// The page says what it must be; any mixture is noticed.
  @Test
  void nobodySeesATornPage() throws Exception {
    var cache = new PageCache(SET);
    var done = new AtomicBoolean();
    try (var threads = Executors.newFixedThreadPool(4)) {
      List<Future<Long>> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        var random = new SplittableRandom(i);
        all.add(threads.submit(() -> churn(cache, random, done)));
      }
      TimeUnit.SECONDS.sleep(2);
      done.set(true);
      long hits = 0;
      for (Future<Long> one : all) {
        hits += one.get();
      }
      assertThat(hits).isGreaterThan(1000);
    }
  }

  private static long churn(PageCache cache, SplittableRandom random, AtomicBoolean done) {
    var found = new PageCache.Hit();
    MemorySegment bytes = Arena.ofAuto().allocate(8192);
    long hits = 0;
    while (!done.get()) {
      long owner = random.nextInt(2);
      long block = random.nextInt(7);
      long lsn = 1L + random.nextInt(50);
      if (random.nextInt(3) == 0) {
        // versions are at multiples of ten
        long from = lsn / 10 * 10;
        fill(bytes, value(owner, block, from));
        long base = random.nextBoolean() ? PageCache.NONE : from - 10;
        cache.put(owner, 1, 2, block, from, lsn, base, bytes);
      } else if (cache.get(owner, 1, 2, block, lsn, bytes, found)) {
        hits++;
        assertThat(found.from % 10).isZero();
        assertThat(found.from).isLessThanOrEqualTo(lsn);
        assertThat(found.upTo).isBetween(found.from, found.from + 9);
        assertThat(isFilled(bytes, value(owner, block, found.from))).isTrue();
      }
    }
    return hits;
  }

  private static long value(long owner, long block, long from) {
    return owner * 1_000_000 + block * 1_000 + from;
  }
}
