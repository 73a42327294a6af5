package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.slru.Slru;
import java.lang.foreign.MemorySegment;

/// Redo on pages of the commit log, multixacts and commit timestamps. They have no header, and so
/// no LSN: a change is applied whenever it is asked for, and is the same when applied twice. The
/// changes' layouts are {@link Change}'s.
///
/// | page                | entry                                                                 | a page |
/// |---------------------|-----------------------------------------------------------------------|-------:|
/// | commit log          | 2 bits an xid: 0 under way, 1 committed, 2 aborted, 3 sub-committed   | 32,768 |
/// | multixact offsets   | u32                                                                   |  2,048 |
/// | multixact members   | groups of 4: 4 flag bytes, 4 xids u32                                 |  1,636 |
/// | commit timestamps   | time i64, origin u16                                                  |    819 |
///
/// PostgreSQL: `clog.c`, `multixact.c`, `commit_ts.c`.
final class SlruRedo {

  private static final int GROUP_MEMBERS = 4;
  private static final int GROUP_BYTES = 20;
  private static final int TIMESTAMP_BYTES = 10;

  private SlruRedo() {}

  static void commitLog(Key key, long lsn, MemorySegment page, MemorySegment change) {
    int count = count(key, lsn, change, 2, 4);
    int status = change.get(PgLayout.BYTE, 1);
    if (status != ChangeWriter.COMMITTED && status != ChangeWriter.ABORTED) {
      throw Redo.damaged(key, lsn, "it has status " + status);
    }
    int first = change.get(PgLayout.INT, 2);
    for (int i = 0; i < count; i++) {
      int xid = change.get(PgLayout.INT, 2 + 4L * i);
      int place = place(key, lsn, first, xid, Slru.CLOG);
      int shift = place % 4 * 2;
      int old = page.get(PgLayout.BYTE, place / 4);
      page.set(PgLayout.BYTE, place / 4, (byte) ((old & ~(3 << shift)) | (status << shift)));
    }
  }

  static void multixactOffsets(Key key, long lsn, MemorySegment page, MemorySegment change) {
    int count = count(key, lsn, change, 1, 8);
    int first = change.get(PgLayout.INT, 1);
    for (int i = 0; i < count; i++) {
      int multixact = change.get(PgLayout.INT, 1 + 8L * i);
      int place = place(key, lsn, first, multixact, Slru.MULTIXACT_OFFSETS);
      page.set(PgLayout.INT, place * 4L, change.get(PgLayout.INT, 5 + 8L * i));
    }
  }

  static void multixactMembers(Key key, long lsn, MemorySegment page, MemorySegment change) {
    int count = count(key, lsn, change, 5, 8);
    int first = change.get(PgLayout.INT, 1);
    for (int i = 0; i < count; i++) {
      int place = place(key, lsn, first, first + i, Slru.MULTIXACT_MEMBERS);
      long group = place / GROUP_MEMBERS * (long) GROUP_BYTES;
      int inGroup = place % GROUP_MEMBERS;
      page.set(PgLayout.BYTE, group + inGroup, (byte) change.get(PgLayout.INT, 9 + 8L * i));
      page.set(
          PgLayout.INT, group + GROUP_MEMBERS + 4L * inGroup, change.get(PgLayout.INT, 5 + 8L * i));
    }
  }

  static void commitTimestamps(Key key, long lsn, MemorySegment page, MemorySegment change) {
    int count = count(key, lsn, change, 11, 4);
    long time = change.get(PgLayout.LONG, 1);
    short origin = change.get(PgLayout.SHORT, 9);
    int first = change.get(PgLayout.INT, 11);
    for (int i = 0; i < count; i++) {
      int xid = change.get(PgLayout.INT, 11 + 4L * i);
      long at = place(key, lsn, first, xid, Slru.COMMIT_TS) * (long) TIMESTAMP_BYTES;
      page.set(PgLayout.LONG, at, time);
      page.set(PgLayout.SHORT, at + 8, origin);
    }
  }

  /// How many entries follow the change's header; at least one.
  private static int count(Key key, long lsn, MemorySegment change, int header, int entry) {
    long size = change.byteSize();
    if (size < header + entry || (size - header) % entry != 0 || size > Integer.MAX_VALUE) {
      throw Redo.damaged(key, lsn, "it has " + size + " bytes");
    }
    return (int) (size - header) / entry;
  }

  /// Which entry of its page this number's is; all numbers of a change are on one page.
  private static int place(Key key, long lsn, int first, int number, Slru slru) {
    if (slru.page(number) != slru.page(first)) {
      throw Redo.damaged(
          key,
          lsn,
          Integer.toUnsignedString(number)
              + " is not on one page with "
              + Integer.toUnsignedString(first));
    }
    return slru.indexOnPage(number);
  }
}
