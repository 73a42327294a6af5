package dev.varve.timeline;

import static dev.varve.timeline.Fixture.START;
import static dev.varve.timeline.Fixture.key;
import static dev.varve.timeline.Fixture.putChange;
import static dev.varve.timeline.Fixture.putImage;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BatchReadTest {

  @TempDir private Path data;

  @Test
  void inABatchEachKeyFailsForItself() throws Exception {
    try (var server = new Fixture(data, Fixture.settings(4 << 20, 1 << 20))) {
      Timeline root = server.root("prod");
      try (Ingest ingest = root.ingest()) {
        putImage(ingest, 2, START + 1, 9);
        putChange(ingest, 3, START + 1, 9);
        ingest.advance(START + 1);
      }
      MemorySegment pages = Arena.ofAuto().allocate(4 * 8192);
      var failed = new TreeMap<Integer, PageserverException>();
      root.pages(List.of(key(2), key(3), key(77), key(0)), new Lsn(START + 1), pages, failed::put);
      assertThat(failed).containsOnlyKeys(1, 2);
      assertThat(failed.get(1)).isInstanceOf(PageserverException.DataCorrupted.class);
      assertThat(failed.get(2)).isInstanceOf(PageserverException.NotFound.class);
      assertThat(pages.get(JAVA_LONG, 0)).isEqualTo(9);
      assertThat(pages.get(JAVA_LONG, 3 * 8192)).isEqualTo(7);
      assertThatThrownBy(() -> root.pages(List.of(key(2)), new Lsn(START + 2), pages, failed::put))
          .isInstanceOf(PageserverException.Unavailable.class);
    }
  }
}
