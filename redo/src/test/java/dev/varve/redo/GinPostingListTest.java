package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The bytes of posting lists; a model of them, a sorted set with an encoder of its own; and bytes
/// that are no posting list.
class GinPostingListTest {

  private static final int ROOM = Page.SIZE - 8;

  private final Change change = new Change(PgVersion.V17);
  private final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);

  /// The number of a TID.
  private static long tid(long block, int item) {
    return block << 11 | item;
  }

  private static byte[] plain(long... tids) {
    var out = new ByteArrayOutputStream();
    for (long tid : tids) {
      int block = (int) (tid >>> 11);
      out.writeBytes(Changes.bytes((short) (block >>> 16), (short) block, (short) (tid & 0x7FF)));
    }
    return out.toByteArray();
  }

  /// A segment, made another way than redo does.
  static byte[] segment(long... tids) {
    var rest = new ByteArrayOutputStream();
    for (int i = 1; i < tids.length; i++) {
      String bits = Long.toBinaryString(tids[i] - tids[i - 1]);
      while (bits.length() > 7) {
        rest.write(0x80 | Integer.parseInt(bits.substring(bits.length() - 7), 2));
        bits = bits.substring(0, bits.length() - 7);
      }
      rest.write(Integer.parseInt(bits, 2));
    }
    int length = rest.size();
    return Changes.bytes(plain(tids[0]), (short) length, rest.toByteArray(), new byte[length % 2]);
  }

  private void give(byte[] data) {
    var bytes = Changes.of(Change.GIN, 0x90).data(data).build();
    change.read(new Key(0, 1663, 5, 16384, 0, 7), 0x1000, bytes);
  }

  /// What redo makes of plain TIDs.
  private String written(long... tids) {
    MemorySegment source = MemorySegment.ofArray(plain(tids));
    long end = GinPostingList.write(change, source, 0, tids.length, page, 32);
    return HexFormat.of().formatHex(page.asSlice(32, end - 32).toArray(PgLayout.BYTE));
  }

  /// What redo makes of a segment and further TIDs.
  private byte[] merged(byte[] segment, long at, long... tids) {
    give(plain(tids));
    var old = MemorySegment.ofArray(segment);
    long end = GinPostingList.merge(change, old, 0, change.dataOffset(), tids.length, page, at);
    return page.asSlice(at, end - at).toArray(PgLayout.BYTE);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 0, 2, 01",
    "0, 1, 0, 128, 7f",
    "0, 1, 0, 129, 8001",
    "0, 1, 7, 2047, fe7f",
    "0, 1, 8, 1, 808001",
    "5, 1, 1029, 1, 80808001",
    "5, 1, 131077, 1, 8080808001",
    "5, 1, 16777221, 1, 808080808001",
    "0, 1, 2147483648, 1, 80808080808001",
    "0, 1, 4294967295, 2047, feffffffffff01",
  })
  void writesADistanceInAsFewBytesAsItTakes(
      long block, int item, long otherBlock, int otherItem, String bytes) {
    long first = tid(block, item);
    long second = tid(otherBlock, otherItem);
    int length = bytes.length() / 2;
    String padding = length % 2 == 0 ? "" : "00";
    assertThat(written(first, second))
        .isEqualTo(HexFormat.of().formatHex(plain(first)) + "0" + length + "00" + bytes + padding)
        .isEqualTo(HexFormat.of().formatHex(segment(first, second)));
    var distance = MemorySegment.ofArray(HexFormat.of().parseHex(bytes));
    assertThat(GinPostingList.distance(change, distance, 0, length))
        .isEqualTo((second - first) << 3 | length);
  }

  @Test
  void writesTheFirstTidAsItIs() {
    assertThat(written(tid(0x12345678L, 0x123))).isEqualTo("34127856" + "2301" + "0000");
  }

  @Test
  void addsTidsBeforeBetweenAndAfter() {
    byte[] old = segment(tid(1, 1), tid(1, 3), tid(9, 9));
    long[] more = {tid(0, 7), tid(1, 2), tid(5, 5), tid(9, 10)};
    assertThat(merged(old, 32, more))
        .isEqualTo(
            segment(tid(0, 7), tid(1, 1), tid(1, 2), tid(1, 3), tid(5, 5), tid(9, 9), tid(9, 10)));
  }

  @RepeatedTest(40)
  void holdsWhatTheModelHolds(RepetitionInfo seed) {
    var random = new SplittableRandom(seed.getCurrentRepetition());
    int blockBits = random.nextInt(1, 33);
    SortedSet<Long> model = new TreeSet<>();
    model.add(tid(random, blockBits));
    byte[] bytes = segment(array(model));
    for (int round = 0; round < 80; round++) {
      SortedSet<Long> more = new TreeSet<>();
      for (int i = random.nextInt(1, 100); i > 0; i--) {
        more.add(tid(random, blockBits));
      }
      more.removeAll(model);
      model.addAll(more);
      byte[] expected = segment(array(model));
      if (expected.length > ROOM - 32 || more.isEmpty()) {
        return;
      }
      bytes = merged(bytes, 32, array(more));
      assertThat(bytes).isEqualTo(expected);
      MemorySegment segment = MemorySegment.ofArray(bytes);
      assertThat(GinPostingList.length(change, segment, 0, bytes.length)).isEqualTo(bytes.length);
    }
  }

  private static long tid(SplittableRandom random, int blockBits) {
    return tid(random.nextLong(1L << blockBits), random.nextInt(1, 2048));
  }

  private static long[] array(SortedSet<Long> tids) {
    return tids.stream().mapToLong(Long::longValue).toArray();
  }

  @ParameterizedTest
  @CsvSource({
    "'', ends within",
    "80, ends within",
    "ffffffffffff, ends within",
    "80808080808080, more than 7",
    "8080808080808001, more than 7",
    "00, distance of 0",
    "8000, distance of 0",
    "ff00, distance of 127 in 2",
    "80808080808002, distance of 8796093022208 in 7",
    "ffffffffffff7f, distance of 562949953421311 in 7",
  })
  void refusesADistanceThatNoServerWrites(String hex, String part) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    var segment = MemorySegment.ofArray(Arrays.copyOf(bytes, bytes.length + 8));
    assertRefused(part, () -> GinPostingList.distance(change, segment, 0, bytes.length));
  }

  @Test
  void refusesTidsOutOfBounds() {
    assertRefused("(1,0)", () -> written(tid(1, 0)));
    var past = MemorySegment.ofArray(Changes.bytes((short) 0, (short) 1, (short) 0x800));
    assertRefused("(1,2048)", () -> GinPostingList.tid(change, past, 0));
    byte[] last = segment(tid(0xFFFFFFFFL, 2046), tid(0xFFFFFFFFL, 2047));
    last[8] = 2;
    assertRefused("80000000000", () -> merged(last, 32, tid(0xFFFFFFFFL, 2047)));
    byte[] none = segment(tid(1, 2046), tid(1, 2047));
    none[8] = 2;
    assertRefused("number 1000", () -> merged(none, 32, tid(3, 1)));
  }

  @Test
  void refusesTidsOutOfOrder() {
    assertRefused("order", () -> written(tid(1, 2), tid(1, 1)));
    assertRefused("order", () -> written(tid(1, 2), tid(1, 2)));
    assertRefused("order", () -> merged(segment(tid(9, 1)), 32, tid(1, 2), tid(1, 1)));
    byte[] old = segment(tid(1, 1), tid(1, 2));
    assertRefused("that the page has", () -> merged(old, 32, tid(1, 1)));
    assertRefused("that the page has", () -> merged(old, 32, tid(1, 2), tid(1, 3)));
  }

  @Test
  void refusesASegmentThatIsCutOff() {
    byte[] whole = segment(tid(1, 1), tid(1, 2), tid(1, 3), tid(2, 1));
    MemorySegment segment = MemorySegment.ofArray(whole);
    for (int end = 0; end < whole.length; end++) {
      int length = end;
      assertRefused(
          "bytes where there are " + length,
          () -> GinPostingList.length(change, segment, 0, length));
    }
  }

  @Test
  void endsWhereThePageEnds() {
    byte[] old = segment(tid(1, 1));
    assertThat(merged(old, ROOM - 10, tid(1, 2))).isEqualTo(segment(tid(1, 1), tid(1, 2)));
    assertThat(merged(old, ROOM - 10, tid(1, 2), tid(1, 3))).hasSize(10);
    assertRefused("no room", () -> merged(old, ROOM - 10, tid(1, 2), tid(1, 3), tid(1, 4)));
    assertRefused("no room", () -> merged(old, ROOM - 10, tid(7000, 2)));
    assertRefused("no room", () -> merged(old, ROOM - 8, tid(1, 2)));
    assertRefused("no room", () -> merged(old, ROOM - 6, tid(1, 2)));
    assertThat(page.asSlice(ROOM).toArray(PgLayout.BYTE)).containsOnly(0);
  }

  private static void assertRefused(String part, Runnable action) {
    assertThatThrownBy(action::run).isInstanceOf(DataCorrupted.class).hasMessageContaining(part);
  }
}
