package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryLayerTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);

  private final MemoryBudget budget = new MemoryBudget(1 << 24);
  private final MemoryLayer layer = new MemoryLayer(10, budget);

  @AfterEach
  void givesAllMemoryBack() {
    layer.close();
    assertThat(budget.used()).isZero();
  }

  private void put(Key key, long lsn, boolean image, String text) {
    MemorySegment bytes = MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
    layer.put(key.upper(), key.middle(), key.lower(), lsn, image, false, bytes, 0, text.length());
  }

  private List<String> find(Key key, long floor, long end, int most) {
    var found = new ArrayList<String>();
    boolean enough =
        layer.find(
            key.upper(),
            key.middle(),
            key.lower(),
            floor,
            end,
            (lsn, image, initializes, bytes) -> {
              found.add(lsn + (image ? "=" : "+") + (initializes ? "!" : "") + text(bytes));
              return found.size() == most;
            });
    assertThat(enough).isEqualTo(found.size() == most);
    return found;
  }

  private static String text(MemorySegment bytes) {
    return new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  @Test
  void givesVersionsNewestFirstWithinTheBounds() {
    put(KEY, 10, true, "a");
    put(KEY, 20, false, "b");
    put(KEY, 30, false, "c");
    put(KEY.next(), 30, false, "other");
    assertThat(find(KEY, 0, 100, 9)).containsExactly("30+c", "20+b", "10=!a");
    assertThat(find(KEY, 11, 30, 9)).containsExactly("20+b");
    assertThat(find(KEY, 0, 100, 2)).containsExactly("30+c", "20+b");
    assertThat(find(KEY.next(), 0, 100, 9)).containsExactly("30+other");
    assertThat(find(KEY.next().next(), 0, 100, 9)).isEmpty();
  }

  @Test
  void theLaterOfTwoAtOneLsnWins() {
    put(KEY, 10, true, "a");
    put(KEY, 20, false, "b");
    put(KEY, 20, false, "c");
    assertThat(find(KEY, 0, 100, 9)).containsExactly("20+c", "10=!a");
  }

  @Test
  void refusesWhatWouldBreakTheOrder() {
    put(KEY, 20, true, "a");
    assertThatIllegalArgumentException().isThrownBy(() -> put(KEY, 19, true, "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> put(KEY.next(), 9, true, "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> layer.freeze(20));
    layer.freeze(21);
    assertThatIllegalStateException().isThrownBy(() -> put(KEY, 21, true, "b"));
    assertThat(layer.lsns().end().value()).isEqualTo(21);
  }

  @Test
  void walksInTheOrderOfKeysAndLsns() throws Exception {
    var keys =
        List.of(
            new Key(0, 0, 0, 0, 0, 0),
            new Key(0, 1663, 5, 1, 0, -1),
            new Key(0, 1663, 5, 2, 0, 0),
            new Key(0, 1663, 5, 2, 1, 0),
            new Key(0, -1, 5, 2, 1, 0),
            new Key(0x81, 0, 0, 0, 0, 0));
    for (Key key : keys.reversed()) {
      put(key, 11, true, "x");
    }
    for (Key key : keys) {
      put(key, 12, false, "y");
    }
    assertThat(walk(KeyRange.ALL)).hasSize(12).first().isEqualTo(keys.get(0) + "@11x");
    List<String> within = walk(new KeyRange(keys.get(2), keys.get(4)));
    assertThat(within)
        .containsExactly(
            keys.get(2) + "@11x", keys.get(2) + "@12y", keys.get(3) + "@11x", keys.get(3) + "@12y");
    layer.freeze(13);
    assertThat(walk(new KeyRange(keys.get(2), keys.get(4)))).isEqualTo(within);
  }

  private List<String> walk(KeyRange range) throws Exception {
    var all = new ArrayList<String>();
    try (LayerCursor cursor = layer.cursor(range)) {
      while (cursor.next()) {
        Key key = Key.of(cursor.upper(), cursor.middle(), cursor.lower());
        all.add(key + "@" + cursor.lsn() + text(cursor.bytes()));
      }
    }
    return all;
  }

  @Test
  void keepsLargeValuesBesideSmallOnes() {
    put(KEY, 10, true, "a");
    String large = "x".repeat(3 << 20);
    put(KEY, 11, true, large);
    put(KEY, 12, true, "b");
    assertThat(find(KEY, 0, 99, 9)).containsExactly("12=!b", "11=!" + large, "10=!a");
    assertThat(layer.bytes()).isEqualTo(3 * MemoryLayer.HEADER + large.length() + 2);
  }

  @Test
  void memoryStaysUntilTheLastReference() {
    put(KEY, 10, true, "a");
    assertThat(layer.acquire()).isTrue();
    layer.close();
    layer.close();
    assertThat(find(KEY, 0, 99, 9)).hasSize(1);
    assertThat(budget.used()).isPositive();
    layer.release();
    assertThat(budget.used()).isZero();
    assertThat(layer.acquire()).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> find(KEY, 0, 99, 9));
    assertThatIllegalStateException().isThrownBy(() -> layer.cursor(KeyRange.ALL));
  }

  /// The way to them goes over milestones, which replaced versions must not break.
  @Test
  void findsOldVersionsAmongVeryMany() {
    int count = 200_000;
    for (int lsn = 10; lsn < 10 + count; lsn++) {
      put(KEY, lsn, true, "v" + lsn);
      if (lsn % 1000 == 0) {
        put(KEY, lsn, true, "w" + lsn); // in the place of the other
      }
    }
    for (int lsn = 10; lsn < 10 + count; lsn += 70) {
      String text = (lsn % 1000 == 0 ? "w" : "v") + lsn;
      assertThat(find(KEY, 0, lsn + 1, 1)).containsExactly(lsn + "=!" + text);
    }
    assertThat(find(KEY, 0, 10, 1)).isEmpty();
  }

  /// What is written in place takes no more room than it needs, and stands as what is copied does.
  @Test
  void takesBytesThatAreWrittenInPlace() throws IOException {
    var budget = new MemoryBudget(1 << 24);
    try (var layer = new MemoryLayer(1, budget)) {
      long empty = budget.used();
      for (int i = 0; i < 1000; i++) {
        int length = i % 40;
        byte fill = (byte) i;
        layer.put(
            0,
            0,
            i,
            5,
            false,
            true,
            8000,
            (target, offset) -> {
              target.asSlice(offset, length).fill(fill);
              return length;
            });
      }
      assertThat(budget.used() - empty).isLessThan(400_000);
      assertThat(layer.bytes()).isEqualTo(1000 * MemoryLayer.HEADER + 25 * 40 * 39 / 2);
      try (LayerCursor cursor = layer.cursor(KeyRange.ALL)) {
        for (int i = 0; i < 1000; i++) {
          assertThat(cursor.next()).isTrue();
          assertThat(cursor.lower()).isEqualTo(i);
          byte[] expected = new byte[i % 40];
          Arrays.fill(expected, (byte) i);
          assertThat(cursor.bytes().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void refusesMoreBytesThanWereAnnounced() {
    try (var layer = new MemoryLayer(1, new MemoryBudget(1 << 24))) {
      assertThatThrownBy(() -> layer.put(0, 0, 1, 5, false, true, 8, (_, _) -> 9))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("9 bytes were written of at most 8");
      assertThat(layer.keyCount()).isZero();
      layer.put(0, 0, 1, 5, false, true, 8, (_, _) -> 8);
      assertThat(layer.keyCount()).isEqualTo(1);
    }
  }
}
