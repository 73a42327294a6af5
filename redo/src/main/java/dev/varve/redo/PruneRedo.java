package dev.varve.redo;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// Redo of pruning, vacuuming and freezing a heap page. All numbers are u16 unless said otherwise.
///
/// | versions | record (op)     | main data                                    | block data                           |
/// |----------|-----------------|----------------------------------------------|--------------------------------------|
/// | 14-16    | 1 PRUNE         | horizon u32, redirects r, dead d, …          | r pairs, d offsets, then the unused ones |
/// | 14-16    | 2 VACUUM        | n                                            | n unused ones                        |
/// | 14, 15   | 3 FREEZE_PAGE   | cutoff u32, n                                | n × (xmax u32, offset, infomask2, infomask, flags u8, padding) |
/// | 16       | 3 FREEZE_PAGE   | horizon u32, n, …                            | n plans, then all their offsets      |
/// | 17, 18   | 1, 2, 3 PRUNE_* | reason u8, flags u8, …                       | the parts that the flags name: 10 plans, 20 redirects, 40 dead, 80 unused; then the plans' offsets |
///
/// A plan is xmax u32, infomask2, infomask, flags u8, padding, count: 12 bytes. In 17 and 18 the
/// plans follow their count and 2 bytes of padding; each of the others its count.
///
/// Afterwards the items are packed: always by PRUNE, never by VACUUM, by PRUNE_* with flag 04 (it
/// had the cleanup lock). Unused line pointers at the end are cut: by VACUUM and PRUNE_* without 04
/// down to one; by packing from version 15 on, down to none.
///
/// PostgreSQL: `heapam_xlog.h`, `pruneheap.c`, `heapam.c`.
final class PruneRedo {

  private static final int PRUNE = 0x10;
  private static final int VACUUM = 0x20;

  private static final int HAS_CLEANUP_LOCK = 0x04;
  private static final int HAS_PLANS = 0x10;
  private static final int HAS_REDIRECTS = 0x20;
  private static final int HAS_DEAD = 0x40;
  private static final int HAS_UNUSED = 0x80;

  private static final int PLAN_BYTES = 12;
  private static final int XVAC_FROZEN = 0x02;
  private static final int XVAC_INVALID = 0x04;
  private static final int FROZEN_XID = 2;

  private PruneRedo() {}

  static void apply(Change change, PgVersion version, int operation, MemorySegment page) {
    PageItems.count(change, page);
    if (version.isAtLeast(PgVersion.V17)) {
      pruneAndFreeze(change, version, page);
    } else if (operation == PRUNE) {
      prune(change, version, page);
    } else if (operation == VACUUM) {
      setUnused(change, page, 0, change.mainUint16(0));
      PageItems.cut(change, page, 1);
    } else if (version.isAtLeast(PgVersion.V16)) {
      int plans = change.mainUint16(4);
      freeze(change, page, 0, plans, plans * PLAN_BYTES);
    } else {
      freezeEach(change, page);
    }
  }

  private static void prune(Change change, PgVersion version, MemorySegment page) {
    int redirects = change.mainUint16(4);
    int dead = change.mainUint16(6);
    int at = redirect(change, page, 0, redirects);
    at = setDead(change, page, at, dead);
    setUnused(change, page, at, (change.dataLength() - at) / 2);
    pack(change, version, page);
  }

  private static void pack(Change change, PgVersion version, MemorySegment page) {
    PageItems.compact(change, page);
    if (version.isAtLeast(PgVersion.V15)) {
      PageItems.cut(change, page, 0);
    }
  }

  private static void pruneAndFreeze(Change change, PgVersion version, MemorySegment page) {
    int flags = change.mainByte(1);
    int at = 0;
    int plans = 0;
    if ((flags & HAS_PLANS) != 0) {
      plans = change.dataUint16(0);
      at = 4 + plans * PLAN_BYTES;
    }
    if ((flags & HAS_REDIRECTS) != 0) {
      at = redirect(change, page, at + 2, change.dataUint16(at));
    }
    if ((flags & HAS_DEAD) != 0) {
      at = setDead(change, page, at + 2, change.dataUint16(at));
    }
    if ((flags & HAS_UNUSED) != 0) {
      at = setUnused(change, page, at + 2, change.dataUint16(at));
    }
    if ((flags & (HAS_REDIRECTS | HAS_DEAD | HAS_UNUSED)) != 0) {
      if ((flags & HAS_CLEANUP_LOCK) != 0) {
        pack(change, version, page);
      } else {
        PageItems.cut(change, page, 1);
      }
    }
    freeze(change, page, 4, plans, at);
  }

  private static int redirect(Change change, MemorySegment page, int at, int count) {
    for (int i = 0; i < count; i++) {
      int from = number(change, page, at + 4 * i);
      int to = number(change, page, at + 4 * i + 2);
      Page.setPointer(page, from, Page.pointerOf(to, Page.REDIRECT, 0));
    }
    return at + 4 * count;
  }

  private static int setDead(Change change, MemorySegment page, int at, int count) {
    for (int i = 0; i < count; i++) {
      Page.setPointer(page, number(change, page, at + 2 * i), Page.pointerOf(0, Page.DEAD, 0));
    }
    return at + 2 * count;
  }

  private static int setUnused(Change change, MemorySegment page, int at, int count) {
    for (int i = 0; i < count; i++) {
      Page.setPointer(page, number(change, page, at + 2 * i), 0);
    }
    return at + 2 * count;
  }

  /// The line pointer's number at this place of the block's data, checked.
  private static int number(Change change, MemorySegment page, int at) {
    int number = change.dataUint16(at);
    if (number < 1 || number > Page.pointers(page)) {
      throw change.corrupted(
          "it names line pointer " + number + ", the page has " + Page.pointers(page));
    }
    return number;
  }

  /// @param at where the plans are
  /// @param offsetsAt where their offsets are
  private static void freeze(Change change, MemorySegment page, int at, int plans, int offsetsAt) {
    int next = offsetsAt;
    for (int plan = 0; plan < plans; plan++) {
      int planAt = at + plan * PLAN_BYTES;
      int count = change.dataUint16(planAt + 10);
      for (int i = 0; i < count; i++) {
        freezeTuple(change, page, change.dataUint16(next), planAt, planAt + 4);
        next += 2;
      }
    }
    if (next != change.dataLength()) {
      throw change.corrupted(
          "its lists take " + next + " of the block's " + change.dataLength() + " bytes");
    }
  }

  private static void freezeEach(Change change, MemorySegment page) {
    int count = change.mainUint16(4);
    for (int i = 0; i < count; i++) {
      int at = i * PLAN_BYTES;
      freezeTuple(change, page, change.dataUint16(at + 4), at, at + 6);
    }
  }

  /// @param masksAt where infomask2, infomask and flags are
  private static void freezeTuple(
      Change change, MemorySegment page, int number, int xmaxAt, int masksAt) {
    int tuple = Page.offset(HeapTuple.find(change, page, number));
    HeapTuple.setXmax(page, tuple, change.dataInt(xmaxAt));
    int flags = change.dataByte(masksAt + 4);
    if ((flags & XVAC_FROZEN) != 0) {
      HeapTuple.setXvac(page, tuple, FROZEN_XID);
    }
    if ((flags & XVAC_INVALID) != 0) {
      HeapTuple.setXvac(page, tuple, 0);
    }
    HeapTuple.setMasks(page, tuple, change.dataUint16(masksAt), change.dataUint16(masksAt + 2));
  }
}
