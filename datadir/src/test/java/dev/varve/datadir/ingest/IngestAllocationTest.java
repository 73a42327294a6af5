package dev.varve.datadir.ingest;

import static dev.varve.datadir.CraftedTimeline.TABLE;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The common path allocates nothing per record.
class IngestAllocationTest {

  private static final int ROUNDS = 5000;
  private static final int RECORDS = 3 * ROUNDS;

  @TempDir Path folder;

  @Test
  void insertsUpdatesAndCommitsAllocateNothing() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      for (int i = 0; i < 100; i++) {
        crafted.log().add(new CraftedRecord(0, 0xB0).image(0, TABLE, i, CraftedRecord.page(i)));
      }
      crafted.feed();
      for (int i = 0; i < 5; i++) {
        allocated(crafted, 700 + i * ROUNDS); // warms up
      }
      double perRecord = allocated(crafted, 700 + 5 * ROUNDS) / (double) RECORDS;
      assertThat(perRecord).as("bytes a record").isLessThan(8);
    }
  }

  /// Bytes that this thread allocates while it takes in so many transactions.
  private static long allocated(CraftedTimeline crafted, int firstXid) {
    long at = crafted.ingest().position().value();
    byte[] data = new byte[60];
    for (int i = 0; i < ROUNDS; i++) {
      crafted
          .log()
          .add(
              new CraftedRecord(10, 0x00)
                  .xid(firstXid + i)
                  .block(0, TABLE, i % 100, 0, data)
                  .main((byte) 1, (byte) 0, (byte) 0));
      crafted
          .log()
          .add(
              new CraftedRecord(10, 0x20)
                  .xid(firstXid + i)
                  .block(0, TABLE, i % 100, 0, data)
                  .block(1, TABLE, (i + 1) % 100, 0)
                  .main(14, _ -> {}));
      crafted.log().add(Records.commit(firstXid + i, i));
    }
    byte[] bytes = crafted.log().since(at);
    MemorySegment segment = MemorySegment.ofArray(bytes);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    crafted.ingest().feed(at, segment, 0, bytes.length);
    return threads.getCurrentThreadAllocatedBytes() - before;
  }
}
