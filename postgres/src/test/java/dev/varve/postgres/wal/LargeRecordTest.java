package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Records that are larger than what is to be held in memory.
class LargeRecordTest {

  private static final int MESSAGE = ResourceManager.LOGICAL_MESSAGE.id();
  private static final int HEAP = ResourceManager.HEAP.id();
  private static final int LARGE = 3 << 20;
  private static final int ROOM = 64 << 10;

  /// Feeds a log in pieces of random lengths.
  ///
  /// @return a word for each record: resource manager, start, length, bytes of main data
  private static List<String> records(CraftedWal wal, WalDecoder decoder, long seed) {
    var found = new ArrayList<String>();
    var random = new SplittableRandom(seed);
    MemorySegment bytes = wal.segment();
    for (long at = 0; at < bytes.byteSize(); ) {
      long length = Math.min(random.nextInt(1, 40_000), bytes.byteSize() - at);
      decoder.feed(
          bytes,
          at,
          length,
          record ->
              found.add(
                  record.rmgr()
                      + " "
                      + record.startLsn()
                      + " "
                      + record.totalLength()
                      + " "
                      + record.mainDataLength()));
      at += length;
    }
    decoder.finish();
    return found;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void aLargeMessagePassesThroughLittleRoom(long seed) {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 100 + (int) seed * 977);
    wal.add(MESSAGE, 0, LARGE).add(HEAP, 0, 50).add(MESSAGE, 0, 30).add(MESSAGE, 0, LARGE);
    wal.add(HEAP, 0, 20_000);
    List<String> unbounded = records(wal, wal.decoder(), seed);
    assertThat(records(wal, wal.decoder().holdAtMost(ROOM), seed)).isEqualTo(unbounded);
    assertThat(unbounded).hasSize(6);
    assertThat(unbounded.get(1)).endsWith(" " + (24 + 5 + LARGE) + " " + LARGE);
  }

  @Test
  void aFlippedBitInALargeMessageIsNoticed() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 100).add(MESSAGE, 0, LARGE).add(HEAP, 0, 1);
    byte[] bytes = wal.toBytes();
    for (int at : new int[] {300, 5_000, 100_000, LARGE / 2 + 100, LARGE - 100}) {
      byte[] damaged = bytes.clone();
      damaged[at] ^= 4;
      WalDecoder decoder = wal.decoder();
      assertThatThrownBy(
              () -> decoder.feed(MemorySegment.ofArray(damaged), 0, damaged.length, _ -> {}))
          .as("byte %d", at)
          .isInstanceOf(WalException.class)
          .hasMessageContaining("incorrect checksum");
    }
  }

  @Test
  void aMessageThatACrashCutOffIsDropped() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 100);
    wal.abandon(MESSAGE, LARGE, 500_000).add(HEAP, 0, 1).add(MESSAGE, 0, LARGE);
    assertThat(records(wal, wal.decoder().holdAtMost(ROOM), 1)).hasSize(3);
  }

  @Test
  void anyOtherRecordIsRefusedAsSoonAsItsHeaderIsKnown() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, ROOM - 100).add(HEAP, 0, ROOM);
    long end = wal.lastStart();
    MemorySegment bytes = wal.segment();
    var found = new ArrayList<Long>();
    WalDecoder decoder = wal.decoder().holdAtMost(ROOM);
    long header = end - wal.start() + 24;
    assertThatThrownBy(() -> decoder.feed(bytes, 0, header, record -> found.add(record.startLsn())))
        .isInstanceOfSatisfying(
            RecordTooLargeException.class,
            e -> {
              assertThat(e.lsn()).isEqualTo(end);
              assertThat(e.length()).isEqualTo(24 + 5 + ROOM);
            })
        .hasMessageContaining("a record of 65565 bytes, where there is room for 65536");
    assertThat(found).hasSize(1);
  }

  @Test
  void aMessageThatClaimsToChangeBlocksIsNotReadBeyondWhatIsKept() {
    byte[] pieces = new byte[LARGE];
    pieces[0] = 0; // block 0, has data, of more bytes than a record's head
    pieces[1] = 0x20;
    pieces[2] = (byte) 0xFF;
    pieces[3] = (byte) 0xFF;
    CraftedWal wal = CraftedWal.v17().addPieces(MESSAGE, 0, pieces);
    MemorySegment bytes = wal.segment();
    WalDecoder decoder = wal.decoder();
    assertThatThrownBy(() -> decoder.feed(bytes, 0, bytes.byteSize(), _ -> {}))
        .isInstanceOf(WalException.class);
  }
}
