package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Damages real logs. Whatever the damage: what is handed on are records of the undamaged log, in
/// their order and with none left out; then comes a {@link WalException}, or the bytes' end. A
/// wrong array index or a refused allocation would be another exception, and fail these tests.
class WalFuzzTest {

  private static final int WINDOW = 4 * WalSegments.PAGE_SIZE;

  /// What came of decoding, and how it ended.
  private record Outcome(List<String> records, boolean failed) {}

  private static Outcome decode(WalDecoder decoder, byte[] bytes, SplittableRandom chunks) {
    var records = new ArrayList<String>();
    MemorySegment segment = MemorySegment.ofArray(bytes);
    try {
      int at = 0;
      while (at < bytes.length && !decoder.ended()) {
        int length = Math.min(1 + chunks.nextInt(2 * WalSegments.PAGE_SIZE), bytes.length - at);
        decoder.feed(segment, at, length, record -> records.add(describe(record)));
        at += length;
      }
      decoder.finish();
      return new Outcome(records, false);
    } catch (WalException _) {
      return new Outcome(records, true);
    }
  }

  private static String describe(WalRecord r) {
    return r.startLsn() + " " + r.endLsn() + " " + r.crc();
  }

  /// Pages of the log from a random one on, undamaged, and what is in them.
  private static byte[] window(SampleWal wal, SplittableRandom random, List<Long> starts) {
    long pages = (wal.end() - wal.start() - WINDOW) / WalSegments.PAGE_SIZE;
    long from = wal.start() + random.nextLong(pages) * WalSegments.PAGE_SIZE;
    starts.add(from);
    return wal.slice(from, from + WINDOW).toArray(JAVA_BYTE);
  }

  private static WalDecoder decoder(SampleWal wal, long start) {
    return WalDecoder.fromPage(wal.version(), SampleWal.SEGMENT_SIZE, start);
  }

  /// Whether the bit belongs to the first page's `xlp_rem_len`: how much of a record from before
  /// the window is left. Nothing proves it, because that record's head isn't there: with another
  /// length that by chance ends where some later record ends, the log is whole and begins there.
  private static boolean isWhereRecordsBegin(int bit) {
    return bit / 8 >= 16 && bit / 8 < 20;
  }

  private static int firstOf(List<String> records, List<String> whole) {
    return records.isEmpty() ? 0 : Math.max(0, whole.indexOf(records.getFirst()));
  }

  @ParameterizedTest
  @EnumSource
  void survivesFlippedBits(PgVersion version) throws Exception {
    SampleWal wal = SampleWal.of(version);
    var random = new SplittableRandom(11);
    int failed = 0;
    for (int round = 0; round < 60; round++) {
      var start = new ArrayList<Long>();
      byte[] bytes = window(wal, random, start);
      List<String> whole = decode(decoder(wal, start.getFirst()), bytes, random).records;
      for (int flip = 0; flip < 100; flip++) {
        int bit = random.nextInt(WINDOW * 8);
        bytes[bit / 8] ^= (byte) (1 << (bit % 8));
        Outcome outcome = decode(decoder(wal, start.getFirst()), bytes, random);
        int first = isWhereRecordsBegin(bit) ? firstOf(outcome.records, whole) : 0;
        assertThat(outcome.records)
            .as("%s, window at %x, bit %d", version, start.getFirst(), bit)
            .isEqualTo(whole.subList(first, first + outcome.records.size()));
        failed += outcome.failed ? 1 : 0;
        bytes[bit / 8] ^= (byte) (1 << (bit % 8));
      }
    }
    assertThat(failed).isGreaterThan(4000);
  }

  @ParameterizedTest
  @EnumSource
  void survivesTruncationAtEveryLength(PgVersion version) throws Exception {
    SampleWal wal = SampleWal.of(version);
    var random = new SplittableRandom(12);
    var start = new ArrayList<Long>();
    byte[] bytes = window(wal, random, start);
    List<String> whole = decode(decoder(wal, start.getFirst()), bytes, random).records;
    for (int length = 0; length < 2 * WalSegments.PAGE_SIZE; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      Outcome outcome = decode(decoder(wal, start.getFirst()), cut, random);
      assertThat(outcome.records).isEqualTo(whole.subList(0, outcome.records.size()));
    }
  }

  /// As after a torn write: some sectors are as they were before, here zero or of another place.
  /// The first record alone may be another, if a whole one lies there by chance: nothing says yet
  /// which record it must follow.
  @ParameterizedTest
  @EnumSource
  void survivesTornPages(PgVersion version) throws Exception {
    SampleWal wal = SampleWal.of(version);
    var random = new SplittableRandom(13);
    int sector = 512;
    for (int round = 0; round < 300; round++) {
      var start = new ArrayList<Long>();
      byte[] bytes = window(wal, random, start);
      List<String> whole = decode(decoder(wal, start.getFirst()), bytes, random).records;
      int at = random.nextInt(WINDOW / sector) * sector;
      byte[] old = round % 2 == 0 ? new byte[WINDOW] : window(wal, random, start);
      System.arraycopy(old, at, bytes, at, sector * (1 + random.nextInt((WINDOW - at) / sector)));
      Outcome outcome = decode(decoder(wal, start.getFirst()), bytes, random);
      assertThat(outcome.records.stream().skip(1).toList())
          .isEqualTo(whole.stream().limit(outcome.records.size()).skip(1).toList());
    }
  }

  @ParameterizedTest
  @EnumSource
  void survivesNoise(PgVersion version) {
    var random = new SplittableRandom(14);
    for (int round = 0; round < 2000; round++) {
      byte[] bytes = new byte[random.nextInt(2 * WalSegments.PAGE_SIZE)];
      random.nextBytes(bytes);
      // Inside a page, so that no page header stops it at once; with plausible lengths, too.
      if (bytes.length > 4 && round % 2 == 0) {
        MemorySegment.ofArray(bytes).set(WalRecord.U32, 0, random.nextInt(1 << random.nextInt(31)));
      }
      var decoder = new WalDecoder(version, 16 << 20, (5L << 24) + 8192 + 24);
      assertThat(decode(decoder, bytes, random).records).isEmpty();
    }
  }
}
