package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/// Versions of one key in bounded memory.
class VersionStackTest {

  private static final int LIMIT = 6 * ChainMemory.CHUNK;

  private final ChainMemory memory = new ChainMemory(LIMIT);
  private final VersionStack stack = new VersionStack(memory);

  private void push(long lsn, int length) {
    MemorySegment bytes = Arena.ofAuto().allocate(length + 3L);
    for (int i = 0; i < length; i++) {
      bytes.set(ValueLayout.JAVA_BYTE, i + 3L, content(lsn, i));
    }
    stack.push(lsn, lsn % 2 == 0, lsn % 3 == 0, bytes, 3, length);
  }

  private static byte content(long lsn, int index) {
    return (byte) (lsn * 31 + index);
  }

  private void check(int index, long lsn, int length) {
    assertThat(stack.lsn(index)).isEqualTo(lsn);
    assertThat(stack.isImage(index)).isEqualTo(lsn % 2 == 0);
    assertThat(stack.initializes(index)).isEqualTo(lsn % 3 == 0);
    assertThat(stack.length(index)).isEqualTo(length);
    MemorySegment bytes = stack.bytes(index);
    assertThat(bytes.byteSize()).isEqualTo(length);
    for (int i = 0; i < length; i += 1 + length / 50) {
      assertThat(bytes.get(ValueLayout.JAVA_BYTE, i)).isEqualTo(content(lsn, i));
    }
  }

  @Test
  void holdsManyVersionsAndLargeOnesInOrder() {
    for (int round = 0; round < 3; round++) {
      push(70, 100_000);
      push(80, ChainMemory.CHUNK + 5);
      push(60, 0);
      for (int i = 0; i < 20; i++) {
        push(50 - i, 70_000);
      }
      push(80, 1); // of two with one LSN the first counts
      stack.order();
      assertThat(stack.count()).isEqualTo(23);
      check(0, 80, ChainMemory.CHUNK + 5);
      check(1, 70, 100_000);
      check(2, 60, 0);
      for (int i = 0; i < 20; i++) {
        check(3 + i, 50 - i, 70_000);
      }
      stack.clear();
    }
  }

  @Test
  void endsWithASentenceAndGivesAllBack() {
    var other = new VersionStack(memory);
    for (int round = 0; round < 3; round++) {
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 100; i++) {
                  push(1000 - i, 90_000);
                }
              })
          .isInstanceOf(PageserverException.Unavailable.class)
          .hasMessageContaining("6144 of the 6144 KiB");
      assertThat(stack.isExhausted()).isTrue();
      check(0, 1000, 90_000);
      MemorySegment large = Arena.ofAuto().allocate(LIMIT);
      assertThatThrownBy(() -> other.push(1, true, true, large, 0, LIMIT))
          .isInstanceOf(PageserverException.Unavailable.class);
      stack.clear();
      assertThat(stack.isExhausted()).isFalse();
      // Chunks that nobody uses make room for it.
      other.push(1, true, true, large, 0, LIMIT);
      other.clear();
    }
  }
}
