package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AllocationTest {

  private static final int CHUNK = 128 << 10;

  /// Bytes of the sample before its first record that needs a larger buffer.
  private static long smallRecords(SampleWal wal) {
    long[] end = {wal.start()};
    boolean[] large = {false};
    wal.decoder()
        .feed(
            wal.bytes(),
            0,
            wal.bytes().byteSize(),
            record -> {
              large[0] |= record.totalLength() > 60_000;
              end[0] = large[0] ? end[0] : record.endLsn();
            });
    return end[0] - wal.start();
  }

  private static long allocated(SampleWal wal, MemorySegment bytes, long length, WalStats stats) {
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    WalDecoder decoder = wal.decoder();
    long before = threads.getCurrentThreadAllocatedBytes();
    for (long at = 0; at < length; at += CHUNK) {
      decoder.feed(bytes, at, Math.min(CHUNK, length - at), stats);
    }
    return threads.getCurrentThreadAllocatedBytes() - before;
  }

  /// Not even in the interpreter: what is allocated is for each chunk.
  @ParameterizedTest
  @CsvSource({"V14, false", "V17, false", "V17, true"})
  void nothingIsAllocatedPerRecord(PgVersion version, boolean offHeap) throws Exception {
    SampleWal wal = SampleWal.of(version);
    long length = smallRecords(wal);
    MemorySegment bytes = wal.bytes();
    try (Arena arena = Arena.ofConfined()) {
      if (offHeap) {
        bytes = arena.allocate(length).copyFrom(wal.bytes().asSlice(0, length));
      }
      var stats = new WalStats(version);
      allocated(wal, bytes, length, stats);
      long perRun = stats.total().count();
      long allocated = allocated(wal, bytes, length, stats);
      assertThat(perRun).isGreaterThan(50_000);
      assertThat(allocated).isLessThan(200 * (1 + length / CHUNK));
    }
  }
}
