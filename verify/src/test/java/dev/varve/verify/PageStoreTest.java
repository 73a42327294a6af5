package dev.varve.verify;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.postgres.page.Page;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PageStoreTest {

  private static final int BASE_PAGES = 40;
  private static final long UPPER = Key.upper(0, 1663);
  private static final long MIDDLE = Key.middle(5, 16384);

  @TempDir Path folder;

  /// A data file whose pages begin with their numbers.
  private ChangedPages files() throws IOException {
    byte[] file = new byte[BASE_PAGES * Page.SIZE];
    for (int i = 0; i < BASE_PAGES; i++) {
      ByteBuffer.wrap(file).order(ByteOrder.nativeOrder()).putInt(i * Page.SIZE, i);
    }
    Path base = Files.write(folder.resolve("16384"), file);
    Path scratch = Files.createDirectory(folder.resolve("scratch"));
    return new ChangedPages(Map.of(new Stretch(UPPER, MIDDLE, 0, 0), base), scratch);
  }

  /// Against a map, with so little memory that pages come and go all the time; in two forks and two
  /// stretches.
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 64})
  void keepsWhatWasWritten(int frames) throws IOException {
    var random = new SplittableRandom(frames);
    Map<Long, Long> model = new HashMap<>();
    try (var store = new PageStore(files(), frames)) {
      for (int step = 0; step < 20_000; step++) {
        int block = random.nextInt(3 * BASE_PAGES);
        block += random.nextInt(8) == 0 ? Stretch.BLOCKS : 0;
        long lower = Key.lower(random.nextInt(2), block);
        if (random.nextBoolean()) {
          long value = random.nextLong();
          store.change(UPPER, MIDDLE, lower).set(JAVA_LONG, 16, value);
          model.put(lower, value);
        } else {
          MemorySegment page = store.find(UPPER, MIDDLE, lower);
          boolean inBase = lower >= 0 && lower < BASE_PAGES;
          assertThat(page != null)
              .as("step %d", step)
              .isEqualTo(inBase || model.containsKey(lower));
          if (page != null) {
            assertThat(page.get(JAVA_INT, 0)).isEqualTo(inBase ? block : 0);
            assertThat(page.get(JAVA_LONG, 16)).isEqualTo(model.getOrDefault(lower, 0L));
          }
        }
      }
    }
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  @Test
  void fillsUpThePageThatAFileEndsIn() throws IOException {
    try (var store = new PageStore(files(), 4)) {
      Path file = folder.resolve("16384");
      byte[] whole = Files.readAllBytes(file);
      Arrays.fill(whole, (byte) 7);
      Files.write(file, Arrays.copyOf(whole, 2 * Page.SIZE + 100));
      MemorySegment page = requireNonNull(store.find(UPPER, MIDDLE, Key.lower(0, 2)));
      assertThat(page.get(JAVA_BYTE, 99)).isEqualTo((byte) 7);
      assertThat(page.get(JAVA_BYTE, 100)).isZero();
      assertThat(store.find(UPPER, MIDDLE, Key.lower(0, 3))).isNull();
    }
  }
}
