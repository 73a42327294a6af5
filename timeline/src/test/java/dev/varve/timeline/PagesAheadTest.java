package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.key;
import static dev.varve.timeline.Fixture.putImage;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(180)
class PagesAheadTest {

  private static final int PAGES = 500;
  private static final Lsn LAST = new Lsn(START + 1);

  @TempDir private Path data;

  /// @param buffers that all may have together
  private Fixture open(int buffers) throws IOException {
    long cache = 16L * buffers * PagesAhead.BATCH_BYTES;
    return new Fixture(
        data, new TimelineSettings(16 << 20, cache, 8 << 20, Duration.ofMinutes(10), 2));
  }

  private static Timeline filled(Fixture server) {
    Timeline root = server.root("prod");
    try (Ingest ingest = root.ingest()) {
      for (int i = 0; i < PAGES; i++) {
        putImage(ingest, i, LAST.value(), 1000 + i);
      }
      ingest.advance(LAST.value());
    }
    return root;
  }

  private static List<Key> keys(int first, int count) {
    return IntStream.range(first, first + count).mapToObj(Fixture::key).toList();
  }

  private static void requirePages(byte[] pages, int first, int count) {
    MemorySegment all = MemorySegment.ofArray(pages);
    for (int i = 0; i < count; i++) {
      assertThat(all.get(JAVA_LONG_UNALIGNED, i * 8192L)).isEqualTo(1000 + first + i);
    }
  }

  @Test
  void batchesComeInTheOrderInWhichTheyWereBegun() throws Exception {
    try (Fixture server = open(8);
        PagesAhead ahead = PagesAhead.of(filled(server), LAST)) {
      var random = new SplittableRandom(1);
      record Begun(int first, int count) {}
      Queue<Begun> begun = new ArrayDeque<>();
      int most = 0;
      for (int i = 0; i < 200; i++) {
        while (ahead.hasRoom()) {
          int count = random.nextInt(1, PagesAhead.BATCH + 1);
          var next = new Begun(random.nextInt(PAGES - count), count);
          ahead.begin(keys(next.first, count));
          begun.add(next);
        }
        most = Math.max(most, begun.size());
        Begun oldest = begun.remove();
        requirePages(ahead.take(), oldest.first, oldest.count);
      }
      assertThat(most).isEqualTo(4);
    }
  }

  @Test
  void aPageThatCantBeReadFailsItsBatch() throws Exception {
    try (Fixture server = open(8);
        PagesAhead ahead = PagesAhead.of(filled(server), LAST)) {
      ahead.begin(keys(0, 3));
      ahead.begin(List.of(key(1), key(PAGES), key(2)));
      ahead.begin(keys(7, 2));
      requirePages(ahead.take(), 0, 3);
      assertThatThrownBy(ahead::take)
          .isInstanceOf(PageserverException.NotFound.class)
          .hasMessageContaining(key(PAGES).toString());
      requirePages(ahead.take(), 7, 2);
    }
  }

  @Test
  void whoeverFindsNoBufferLeftReadsBatchByBatch() throws Exception {
    try (Fixture server = open(2)) {
      Timeline root = filled(server);
      try (PagesAhead first = PagesAhead.of(root, LAST);
          PagesAhead second = PagesAhead.of(root, LAST)) {
        first.begin(keys(0, 32));
        assertThat(first.hasRoom()).isTrue();
        first.begin(keys(32, 32));
        assertThat(first.hasRoom()).isFalse();
        assertThat(second.hasRoom()).isTrue();
        second.begin(keys(100, 5));
        assertThat(second.hasRoom()).isFalse();
        requirePages(second.take(), 100, 5);
        requirePages(first.take(), 0, 32);
      }
    }
  }

  @Test
  void buffersComeBackFromWhatWasNotTaken() throws Exception {
    BatchBuffers buffers;
    try (Fixture server = open(4)) {
      Timeline root = filled(server);
      buffers = root.reads().buffers();
      for (int i = 0; i < 20; i++) {
        try (PagesAhead ahead = PagesAhead.of(root, LAST)) {
          ahead.begin(keys(i, 32));
          ahead.begin(keys(i, 32));
          requirePages(ahead.take(), i, 32);
        }
      }
    }
    assertThat(buffers.hasRoom()).isTrue();
  }

  @Test
  void aServerThatShutsDownSaysSo() throws Exception {
    Fixture server = open(4);
    PagesAhead ahead = PagesAhead.of(filled(server), LAST);
    ahead.begin(keys(0, 1));
    server.close();
    assertThatThrownBy(() -> ahead.begin(keys(0, 1)))
        .isInstanceOf(PageserverException.Unavailable.class);
    ahead.close();
  }
}
