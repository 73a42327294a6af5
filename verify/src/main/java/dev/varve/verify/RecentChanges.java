package dev.varve.verify;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;

/// Which record changed which page, for the last changes of all: a ring. Of one thread. Hot: adding
/// allocates nothing.
final class RecentChanges {

  private static final int ENTRIES = 1 << 18;
  private static final int PARTS = 4;
  private static final int MOST_LINES = 20;

  private final long[] ring = new long[ENTRIES * PARTS];
  private final short[] types = new short[ENTRIES];
  private final PgVersion version;
  private long added;

  RecentChanges(PgVersion version) {
    this.version = version;
  }

  void add(WalRecord record, long upper, long middle, long lower) {
    int entry = (int) (added++ & ENTRIES - 1);
    ring[entry * PARTS] = upper;
    ring[entry * PARTS + 1] = middle;
    ring[entry * PARTS + 2] = lower;
    ring[entry * PARTS + 3] = record.endLsn();
    types[entry] = (short) (record.rmgr() << 8 | record.info());
  }

  /// The last of the records that changed a page, oldest first, a line each.
  List<String> of(long upper, long middle, long lower) {
    var lines = new ArrayList<String>();
    for (long i = added - 1; i >= Math.max(0, added - ENTRIES) && lines.size() < MOST_LINES; i--) {
      int entry = (int) (i & ENTRIES - 1);
      if (ring[entry * PARTS + 2] == lower
          && ring[entry * PARTS + 1] == middle
          && ring[entry * PARTS] == upper) {
        int type = Short.toUnsignedInt(types[entry]);
        lines.add(
            Lsn.format(ring[entry * PARTS + 3])
                + " "
                + RecordType.fullName(version, type >>> 8, type & 0xFF));
      }
    }
    return lines.reversed();
  }
}
