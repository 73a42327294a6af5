package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WalDecoderTest {

  private static final int PAGE = WalSegments.PAGE_SIZE;
  private static final int HEAP = ResourceManager.HEAP.id();

  /// A log with all that makes decoding hard.
  private static CraftedWal difficult() {
    CraftedWal wal = CraftedWal.v17();
    long start = wal.start();
    wal.add(HEAP, 0, 30).add(HEAP, 0, 0).add(HEAP, 0x40, 20000).add(HEAP, 0, 7);
    // A record that ends with its page; one whose header straddles two; one with only its first 8.
    wal.fillTo(start + 6 * PAGE).add(HEAP, 0, 50);
    wal.fillTo(start + 8 * PAGE - 16).add(HEAP, 0, 50);
    wal.fillTo(start + 9 * PAGE - 8).add(HEAP, 0, 300);
    wal.add(HEAP, 0, 3 << 20);
    wal.add(0, RecordType.XLOG_SWITCH, 0).fillSegment();
    wal.tli(2).add(HEAP, 0, 90);
    wal.abandon(HEAP, 50000, 20000);
    wal.addData(0, RecordType.XLOG_OVERWRITE_CONTRECORD, overwrite(wal.lastStart()));
    wal.add(HEAP, 0, 100).add(HEAP, 0, 1);
    return wal;
  }

  private static byte[] overwrite(long abandoned) {
    byte[] data = new byte[16];
    MemorySegment.ofArray(data).set(WalRecord.U64, 0, abandoned);
    return data;
  }

  private static String describe(WalRecord r) {
    return Lsn.format(r.startLsn())
        + " to "
        + Lsn.format(r.endLsn())
        + " "
        + RecordType.fullName(r.version(), r.rmgr(), r.info())
        + " "
        + r.bytes().asSlice(r.mainDataOffset(), r.mainDataLength()).asByteBuffer().hashCode();
  }

  private static List<String> decode(CraftedWal wal, MemorySegment bytes, int chunk) {
    var records = new ArrayList<String>();
    WalDecoder decoder = wal.decoder();
    for (long at = 0; at < bytes.byteSize(); at += chunk) {
      long length = Math.min(chunk, bytes.byteSize() - at);
      decoder.feed(bytes, at, length, record -> records.add(describe(record)));
      assertThat(decoder.position()).isEqualTo(wal.start() + at + length);
    }
    decoder.finish();
    return records;
  }

  @Test
  void findsEveryRecord() {
    CraftedWal wal = CraftedWal.v17();
    var starts = new ArrayList<Long>();
    for (int i = 0; i < 3000; i++) {
      starts.add(wal.add(HEAP, 0, i % 700 * 2).lastStart());
    }
    var found = new ArrayList<Long>();
    WalDecoder decoder = wal.decoder();
    MemorySegment bytes = wal.segment();
    decoder.feed(bytes, 0, bytes.byteSize(), record -> found.add(record.startLsn()));
    assertThat(found).isEqualTo(starts);
    assertThat(decoder.lastRecordEnd()).isEqualTo(wal.position());
    assertThat(decoder.systemId()).isEqualTo(CraftedWal.SYSTEM_ID);
    assertThat(decoder.tli()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8, 13, 23, 24, 25, 41, 4096, 8191, 8192, 8193, 100_000})
  void givesTheSameRecordsWhateverTheChunks(int chunk) {
    CraftedWal wal = difficult();
    List<String> whole = decode(wal, wal.segment(), Integer.MAX_VALUE);
    assertThat(whole).hasSizeGreaterThan(900);
    assertThat(decode(wal, wal.segment(), chunk)).isEqualTo(whole);
  }

  @Test
  void readsMemoryOutsideTheHeap() {
    CraftedWal wal = difficult();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(wal.toBytes().length);
      MemorySegment.copy(wal.segment(), 0, bytes, 0, bytes.byteSize());
      assertThat(decode(wal, bytes, 1000)).isEqualTo(decode(wal, wal.segment(), 1000));
    }
  }

  @Test
  void decodesARecordWithinAPageWhereItIs() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 30);
    MemorySegment bytes = wal.segment();
    wal.decoder()
        .feed(
            bytes,
            0,
            bytes.byteSize(),
            record -> {
              assertThat(record.bytes()).isSameAs(bytes);
              assertThat(record.offset()).isEqualTo(40);
            });
  }

  @Test
  void endsARecordWhereTheNextBegins() {
    CraftedWal wal = CraftedWal.v17();
    wal.add(HEAP, 0, 1);
    long first = wal.position();
    wal.fillTo(wal.start() + PAGE);
    wal.add(0, RecordType.XLOG_SWITCH, 0);
    var ends = new ArrayList<Long>();
    WalDecoder decoder = wal.decoder();
    decoder.feed(wal.segment(), 0, wal.toBytes().length, record -> ends.add(record.endLsn()));
    assertThat(ends.getFirst()).isEqualTo(first).isEqualTo(wal.start() + 40 + 32);
    // At a page's end: the boundary itself, as in the LSN that redo puts on pages.
    assertThat(ends.get(ends.size() - 2)).isEqualTo(wal.start() + PAGE);
    assertThat(ends.getLast()).isEqualTo(wal.start() + CraftedWal.SEGMENT_SIZE);
    assertThat(decoder.lastRecordEnd()).isEqualTo(ends.getLast());
  }

  @Test
  void beginsWhereARecordBegins() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 30);
    long start = wal.add(HEAP, 0, 30).lastStart();
    wal.add(HEAP, 0, 30);
    var found = new ArrayList<Long>();
    var decoder = new WalDecoder(PgVersion.V17, CraftedWal.SEGMENT_SIZE, start);
    MemorySegment bytes = wal.segment().asSlice(start - wal.start());
    decoder.feed(bytes, 0, bytes.byteSize(), record -> found.add(record.startLsn()));
    assertThat(found).containsExactly(start, wal.lastStart());
    // Right after a page header is a place, too.
    long afterHeader = wal.start() + 40;
    assertThat(new WalDecoder(PgVersion.V17, CraftedWal.SEGMENT_SIZE, afterHeader).position())
        .isEqualTo(afterHeader);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 8, 16, 24, 32, 44, 8192 + 8, 8192 + 16, 8192 + 25})
  void refusesToBeginWhereNoRecordCan(long offset) {
    assertThatThrownBy(() -> new WalDecoder(PgVersion.V17, 1 << 20, (5 << 20) + offset))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no WAL record can begin at 0/50");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1 << 19, 3 << 20, 1 << 31, 123})
  void refusesSegmentsThatPostgresqlDoesNotHave(int size) {
    assertThatThrownBy(() -> new WalDecoder(PgVersion.V17, size, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("power of two");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 8, 20, 24, 1000, 30_000})
  void takesZeroesForTheEnd(int lengthBefore) {
    CraftedWal wal = CraftedWal.v17();
    wal.fillTo(wal.start() + PAGE);
    if (lengthBefore > 0) {
      wal.add(HEAP, 0, lengthBefore);
    }
    long end = wal.position();
    for (int chunk : new int[] {1, 3, 50_000}) {
      WalDecoder decoder = wal.decoder();
      MemorySegment bytes = MemorySegment.ofArray(Arrays.copyOf(wal.toBytes(), 70_000));
      long at = 0;
      while (!decoder.ended()) {
        decoder.feed(bytes, at, Math.min(chunk, bytes.byteSize() - at), _ -> {});
        at += chunk;
      }
      assertThat(decoder.position()).isEqualTo(end);
      assertThat(decoder.lastRecordEnd()).isEqualTo(end);
      decoder.finish();
      assertThatThrownBy(() -> decoder.feed(bytes, 0, 1, _ -> {}))
          .isInstanceOf(WalException.class)
          .hasMessageContaining("yet more bytes follow");
    }
  }

  @Test
  void skipsAnAbandonedRecord() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 30);
    long end = wal.position();
    long abandoned = wal.abandon(HEAP, 50000, 20000).lastStart();
    wal.addData(0, RecordType.XLOG_OVERWRITE_CONTRECORD, overwrite(abandoned)).add(HEAP, 0, 5);
    var found = new ArrayList<String>();
    WalDecoder decoder = wal.decoder();
    decoder.feed(
        wal.segment(),
        0,
        wal.toBytes().length,
        record -> {
          assertThat(decoder.lastRecordEnd())
              .isEqualTo(
                  found.size() < 2 ? found.isEmpty() ? wal.start() : end : record.startLsn());
          found.add(RecordType.name(record.version(), record.rmgr(), record.info()));
        });
    assertThat(found).containsExactly("INSERT", "OVERWRITE_CONTRECORD", "INSERT");
  }

  @Test
  void refusesAnAbandonmentOfAnotherRecord() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 30);
    wal.abandon(HEAP, 50000, 20000);
    wal.addData(0, RecordType.XLOG_OVERWRITE_CONTRECORD, overwrite(wal.start() + 40));
    assertThatThrownBy(() -> decode(wal, wal.segment(), PAGE))
        .isInstanceOf(WalException.class)
        .hasMessageContaining("abandoned here, but the log says that it was the one at 0/300028");
  }

  @Test
  void saysThatTheLogEndsWithinARecord() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 30);
    long end = wal.position();
    wal.add(HEAP, 0, 100);
    for (long cut = 1; cut < 120; cut++) {
      WalDecoder decoder = wal.decoder();
      decoder.feed(wal.segment(), 0, end - wal.start() + cut, _ -> {});
      assertThat(decoder.lastRecordEnd()).isEqualTo(end);
      assertThatThrownBy(decoder::finish)
          .isInstanceOfSatisfying(WalException.class, e -> assertThat(e.lsn()).isEqualTo(end))
          .hasMessageContaining("ends within a record");
    }
  }

  @Test
  void beginsAfterTheRestOfAnEarlierRecord() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 3 * PAGE);
    long next = wal.add(HEAP, 0, 5).lastStart();
    for (int page = 1; page <= 3; page++) {
      long from = wal.start() + (long) page * PAGE;
      var found = new ArrayList<Long>();
      WalDecoder decoder = WalDecoder.fromPage(PgVersion.V17, CraftedWal.SEGMENT_SIZE, from);
      MemorySegment bytes = wal.segment().asSlice(from - wal.start());
      decoder.feed(bytes, 0, bytes.byteSize(), record -> found.add(record.startLsn()));
      assertThat(found).containsExactly(next);
      assertThatThrownBy(() ->
              new WalDecoder(PgVersion.V17, CraftedWal.SEGMENT_SIZE, from)
                  .feed(bytes, 0, bytes.byteSize(), _ -> {}))
          .isInstanceOf(WalException.class)
          .hasMessageContaining("the rest of a record that did not begin");
    }
  }

  @Test
  void readsVersionSizeAndPlaceOffASegment() {
    var wal = new CraftedWal(PgVersion.V15, 7L << 20).add(HEAP, 0, 3);
    WalDecoder decoder = WalDecoder.ofSegment(wal.segment(), 0);
    assertThat(decoder.version()).isEqualTo(PgVersion.V15);
    assertThat(decoder.segments().size()).isEqualTo(1 << 20);
    assertThat(decoder.position()).isEqualTo(7L << 20);
    assertThatThrownBy(() -> WalDecoder.ofSegment(MemorySegment.ofArray(new byte[100]), 0))
        .isInstanceOf(WalException.class)
        .hasMessageContaining("0000 is not the magic number");
    assertThatThrownBy(() -> WalDecoder.ofSegment(MemorySegment.ofArray(new byte[39]), 0))
        .isInstanceOf(WalException.class)
        .hasMessageContaining("too short");
  }

  @Test
  void isOfNoMoreUseAfterAFailure() {
    CraftedWal wal = CraftedWal.v17().add(HEAP, 0, 3);
    WalDecoder decoder = wal.decoder();
    var failure = new IllegalStateException("the handler's");
    assertThatThrownBy(() ->
            decoder.feed(
                wal.segment(),
                0,
                wal.toBytes().length,
                _ -> {
                  throw failure;
                }))
        .isSameAs(failure);
    assertThat(decoder.lastRecordEnd()).isEqualTo(wal.start());
    assertThatThrownBy(() -> decoder.feed(wal.segment(), 0, 1, _ -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("already failed");
  }
}
