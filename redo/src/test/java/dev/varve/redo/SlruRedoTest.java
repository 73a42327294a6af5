package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SlruRedoTest {

  private static final Key KEY = new Key(1, 0, 0, 0, 0, 3);

  private final Redo redo = new Redo(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final MemorySegment change = MemorySegment.ofArray(new byte[256]);

  private void apply(int length) {
    redo.apply(KEY, 0x1000, page, change.asSlice(0, length));
  }

  @Test
  void setsTheEndStatesOfTransactions() {
    int first = 2 * 32_768;
    page.fill((byte) 0b10101010);
    apply(ChangeWriter.commitLog(1, new int[] {first, first + 5, first + 32_767}, 0, 3, change, 0));
    assertThat(page.get(PgLayout.BYTE, 0)).isEqualTo((byte) 0b10101001);
    assertThat(page.get(PgLayout.BYTE, 1)).isEqualTo((byte) 0b10100110);
    assertThat(page.get(PgLayout.BYTE, 8191)).isEqualTo((byte) 0b01101010);
    apply(ChangeWriter.commitLog(2, new int[] {first + 5}, 0, 1, change, 0));
    assertThat(page.get(PgLayout.BYTE, 1)).isEqualTo((byte) 0b10101010);
  }

  @Test
  void knowsTransactionsBeyondTwoBillion() {
    apply(ChangeWriter.commitLog(1, new int[] {-1}, 0, 1, change, 0));
    assertThat(page.get(PgLayout.BYTE, 8191)).isEqualTo((byte) 0b01000000);
  }

  @Test
  void writesWhereTheMembersOfMultixactsStart() {
    apply(ChangeWriter.multixactOffsets(2048 * 3 + 2046, 77, 2048 * 3 + 2047, 80, change, 0));
    assertThat(page.get(PgLayout.INT, 2046 * 4L)).isEqualTo(77);
    assertThat(page.get(PgLayout.INT, 2047 * 4L)).isEqualTo(80);
    apply(ChangeWriter.multixactOffset(2048, 5, change, 0));
    assertThat(page.get(PgLayout.INT, 0)).isEqualTo(5);
  }

  @Test
  void writesMembersInGroupsOfFour() {
    MemorySegment members = MemorySegment.ofArray(Changes.bytes(701, 4, 702, 5));
    apply(ChangeWriter.multixactMembers(1636 + 3, members, 0, 2, change, 0));
    assertThat(page.get(PgLayout.BYTE, 3)).isEqualTo((byte) 4);
    assertThat(page.get(PgLayout.INT, 16)).isEqualTo(701);
    assertThat(page.get(PgLayout.BYTE, 20)).isEqualTo((byte) 5);
    assertThat(page.get(PgLayout.INT, 24)).isEqualTo(702);
  }

  @Test
  void writesCommitTimes() {
    apply(ChangeWriter.commitTimestamps(123L << 32, 9, new int[] {819 + 2, 819}, 0, 2, change, 0));
    assertThat(page.get(PgLayout.LONG, 20)).isEqualTo(123L << 32);
    assertThat(page.get(PgLayout.SHORT, 28)).isEqualTo((short) 9);
    assertThat(page.get(PgLayout.LONG, 0)).isEqualTo(123L << 32);
    assertThat(page.get(PgLayout.LONG, 10)).isZero();
  }

  @Test
  void zeroesAPage() {
    page.fill((byte) 1);
    apply(ChangeWriter.zeroPage(change, 0));
    assertThat(page.mismatch(MemorySegment.ofArray(new byte[Page.SIZE]))).isEqualTo(-1);
  }

  @Test
  void refusesEntriesOfTwoPages() {
    MemorySegment members = MemorySegment.ofArray(new byte[16]);
    refused(ChangeWriter.commitLog(1, new int[] {1, 32_768}, 0, 2, change, 0));
    refused(ChangeWriter.multixactOffsets(2047, 1, 2048, 1, change, 0));
    refused(ChangeWriter.multixactMembers(1635, members, 0, 2, change, 0));
    refused(ChangeWriter.multixactMembers(-1, members, 0, 2, change, 0));
    refused(ChangeWriter.commitTimestamps(1, 0, new int[] {818, 819}, 0, 2, change, 0));
  }

  @ParameterizedTest
  @CsvSource({"6, 5", "6, 2", "7, 8", "8, 12", "9, 14", "3, 10", "4, 4"})
  void refusesOtherLengths(byte kind, int length) {
    change.fill((byte) 1);
    change.set(PgLayout.BYTE, 0, kind);
    refused(length);
  }

  private void refused(int length) {
    assertThatThrownBy(() -> apply(length))
        .isInstanceOf(PageserverException.DataCorrupted.class)
        .hasMessageContaining("at 0/1000");
  }
}
