package dev.varve.redo;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;

/// A compressed posting list, of which a leaf of a posting tree holds several, called segments.
///
/// | bytes | field                                                                            |
/// |-------|----------------------------------------------------------------------------------|
/// | 0-5   | the first TID: block number (high half, low half), item number, `u16` each       |
/// | 6-7   | how many bytes follow                                                            |
/// | 8-    | for each further TID its distance from the one before; a zero if that leaves an  |
/// |       | odd number of bytes                                                              |
///
/// As a number a TID has 43 bits: the block number's 32, then 11 for the item. A distance is
/// written 7 bits at a time, the lowest first, in as few bytes as it takes, at most 7; all but the
/// last byte have the highest bit set.
///
/// PostgreSQL's `access/ginblock.h`, `ginpostinglist.c`.
///
/// Bytes that no server writes (distances that are zero, too long or cut off, TIDs out of bounds or
/// out of order) are refused where redo reads them: what comes after the last TID that is added is
/// copied unread. Hot: nothing is allocated.
final class GinPostingList {

  static final int HEADER = 8;
  static final int TID = 6;

  private static final int ITEM_BITS = 11;
  private static final int MAX_ITEM = (1 << ITEM_BITS) - 1;
  private static final int TID_BITS = 43;
  private static final int MAX_BYTES = 7;

  /// How many of the bits of {@link #distance} say how many bytes there were.
  private static final int SIZE_BITS = 3;

  private static final int SIZE_MASK = (1 << SIZE_BITS) - 1;

  /// After the last TID; as an unsigned number above all others.
  private static final long NONE = -1;

  private GinPostingList() {}

  /// How long a segment is, padding included, that has to end before `end`.
  static int length(Change change, MemorySegment segment, long at, long end) {
    long length = end - at < HEADER ? 0 : HEADER + even(segment.get(SHORT, at + 6) & 0xFFFF);
    if (length < HEADER || length > end - at) {
      throw change.corrupted(
          "a posting list of %d bytes where there are %d".formatted(length, end - at));
    }
    return (int) length;
  }

  private static int even(int length) {
    return length + 1 & -2;
  }

  /// The TID as a number.
  static long tid(Change change, MemorySegment segment, long at) {
    long high = segment.get(SHORT, at) & 0xFFFF;
    long low = segment.get(SHORT, at + 2) & 0xFFFF;
    int item = segment.get(SHORT, at + 4) & 0xFFFF;
    if (item == 0 || item > MAX_ITEM) {
      throw change.corrupted("the TID (%d,%d)".formatted(high << 16 | low, item));
    }
    return (high << 16 | low) << ITEM_BITS | item;
  }

  private static void putTid(MemorySegment segment, long at, long tid) {
    int block = (int) (tid >>> ITEM_BITS);
    segment.set(SHORT, at, (short) (block >>> 16));
    segment.set(SHORT, at + 2, (short) block);
    segment.set(SHORT, at + 4, (short) (tid & MAX_ITEM));
  }

  /// Reads a distance that has to end before `end`.
  ///
  /// @return the distance, and in the lowest three bits how many bytes it took
  static long distance(Change change, MemorySegment segment, long at, long end) {
    if (at < end && segment.get(BYTE, at) > 0) {
      return (long) segment.get(BYTE, at) << SIZE_BITS | 1;
    }
    long distance = 0;
    int limit = (int) Math.min(MAX_BYTES, end - at);
    for (int i = 0; i < limit; i++) {
      byte next = segment.get(BYTE, at + i);
      distance |= (next & 0x7FL) << (7 * i);
      if (next >= 0) {
        if (next == 0 || distance >>> TID_BITS != 0) {
          throw change.corrupted("a distance of %d in %d bytes".formatted(distance, i + 1));
        }
        return distance << SIZE_BITS | (i + 1);
      }
    }
    throw change.corrupted(
        limit < MAX_BYTES
            ? "the posting list ends within a distance"
            : "a distance of more than %d bytes".formatted(MAX_BYTES));
  }

  /// Writes a segment made of TIDs.
  ///
  /// @param tids where they are, `count` of them, at least one, ascending
  /// @return where the segment ends
  static long write(
      Change change, MemorySegment source, long tids, int count, MemorySegment page, long to) {
    long write = begin(change, to);
    long last = tid(change, source, tids);
    putTid(page, to, last);
    for (int i = 1; i < count; i++) {
      long next = nextTid(change, source, tids + (long) i * TID, last);
      write = putDistance(change, page, write, next - last);
      last = next;
    }
    return finish(page, to, write);
  }

  /// Writes the segment that has an old one's TIDs, and more.
  ///
  /// @param at where the old segment begins, which is known to be whole
  /// @param tids where the further TIDs are in the change, `count` of them, at least one, ascending
  /// @return where the new segment ends
  static long merge(
      Change change,
      MemorySegment old,
      long at,
      long tids,
      int count,
      MemorySegment page,
      long to) {
    MemorySegment source = change.bytes();
    long write = begin(change, to);
    long read = at + HEADER;
    long end = read + (old.get(SHORT, at + 6) & 0xFFFF);
    long oldTid = tid(change, old, at);
    long newTid = tid(change, source, tids);
    long last = 0;
    int added = 0;
    while (added < count) {
      if (Long.compareUnsigned(oldTid, newTid) < 0) {
        write = put(change, page, to, write, oldTid, last);
        last = oldTid;
        oldTid = NONE;
        // Distances between old TIDs with no new one between them stay as they are.
        long kept = read;
        long next = read;
        while (next < end && oldTid == NONE) {
          long distance = distance(change, old, next, end);
          long tid = requireTid(change, last + (distance >>> SIZE_BITS));
          next += distance & SIZE_MASK;
          if (tid < newTid) {
            last = tid;
            read = next;
          } else {
            oldTid = tid;
          }
        }
        write = copy(change, old, kept, read, page, write);
        read = next;
      } else {
        requireNew(change, newTid, oldTid);
        write = put(change, page, to, write, newTid, last);
        last = newTid;
        added++;
        newTid = added < count ? nextTid(change, source, tids + (long) added * TID, last) : NONE;
      }
    }
    if (oldTid != NONE) {
      write = put(change, page, to, write, oldTid, last);
    }
    return finish(page, to, copy(change, old, read, end, page, write));
  }

  /// Writes a TID: by its distance from the last one, or, when that is 0, as the first.
  ///
  /// @return where the next one goes
  private static long put(
      Change change, MemorySegment page, long to, long write, long tid, long last) {
    if (last != 0) {
      return putDistance(change, page, write, tid - last);
    }
    putTid(page, to, tid);
    return write;
  }

  private static long copy(
      Change change, MemorySegment old, long from, long end, MemorySegment page, long to) {
    if (end - from > GinPage.END - to) {
      throw noRoom(change);
    }
    MemorySegment.copy(old, from, page, to, end - from);
    return to + end - from;
  }

  private static long requireTid(Change change, long tid) {
    if (tid >>> TID_BITS != 0 || (tid & MAX_ITEM) == 0) {
      throw change.corrupted("the page has a TID of the number %x".formatted(tid));
    }
    return tid;
  }

  private static void requireNew(Change change, long tid, long oldTid) {
    if (tid == oldTid) {
      throw change.corrupted("it adds a TID that the page has, of the number %x".formatted(tid));
    }
  }

  /// The TID at `at`, which has to follow `last`.
  private static long nextTid(Change change, MemorySegment source, long at, long last) {
    long next = tid(change, source, at);
    if (next <= last) {
      throw change.corrupted("its TIDs are not in order");
    }
    return next;
  }

  private static long begin(Change change, long to) {
    if (to + HEADER > GinPage.END) {
      throw noRoom(change);
    }
    return to + HEADER;
  }

  private static long finish(MemorySegment page, long to, long end) {
    int length = (int) (end - to) - HEADER;
    page.set(SHORT, to + 6, (short) length);
    if (even(length) != length) {
      // The room ends at an even place, and segments begin at even ones.
      page.set(BYTE, end, (byte) 0);
    }
    return to + HEADER + even(length);
  }

  /// Writes a distance. @return where it ends
  private static long putDistance(Change change, MemorySegment page, long at, long distance) {
    long rest = distance;
    long next = at;
    while (next < GinPage.END) {
      if (rest < 0x80) {
        page.set(BYTE, next, (byte) rest);
        return next + 1;
      }
      page.set(BYTE, next++, (byte) (rest | 0x80));
      rest >>>= 7;
    }
    throw noRoom(change);
  }

  static PageserverException.DataCorrupted noRoom(Change change) {
    return change.corrupted("the page has no room for its posting lists");
  }
}
