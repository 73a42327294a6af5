package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// Records of SP-GiST that move leaf tuples to other pages.
///
/// | record     | block 0                      | block 1            | block 2              | block 3 |
/// |------------|------------------------------|--------------------|----------------------|---------|
/// | MOVE_LEAFS | loses a chain of leaf tuples | gets them, and one | parent               |         |
/// | PICKSPLIT  | loses leaf tuples, gets some back | gets some     | gets the inner tuple over them | parent, if on a page of its own |
///
/// PICKSPLIT of a root page has no block 0: the root is block 2, made anew. PostgreSQL's
/// `access/spgxlog.h`.
final class SpgistMoves {

  private static final int MOVES_STATE = 12;
  private static final int MOVES = 20;
  private static final int SPLIT_STATE = 20;
  private static final int SPLIT = 28;

  private SpgistMoves() {}

  /// | main data | field                                                                       |
  /// |-----------|-----------------------------------------------------------------------------|
  /// | 0-1       | how many tuples go                                                          |
  /// | 2         | whether block 1 is new                                                      |
  /// | 3         | whether the one that goes is dead; it is not copied then                    |
  /// | 4         | whether the pages hold nulls                                                |
  /// | 6-7       | number of the parent's item                                                 |
  /// | 8-9       | the node there that has the downlink                                        |
  /// | 12-19     | state                                                                       |
  /// | 20-       | numbers of the items that go, `u16` each                                    |
  /// |           | numbers of those that come, `u16` each: one more, or one if it is for a dead one; the last is the first of the chain |
  /// |           | the leaf tuples that come                                                   |
  static void moveLeafs(Change change, MemorySegment page) {
    change.requireMain(MOVES);
    int gone = change.mainUint16(0);
    int come = comers(gone, change.mainByte(3));
    int numbers = MOVES + gone * Short.BYTES;
    int tuples = numbers + come * Short.BYTES;
    change.requireMain(tuples);
    int head = change.mainUint16(tuples - Short.BYTES);
    switch (change.blockId()) {
      case 0 -> {
        SpgistPage.open(change, page, false, 0);
        long target = SpgistTuple.tid(change.blockNumber(1), head);
        long first = change.mainOffset() + (long) MOVES;
        SpgistPage.kill(
            change,
            page,
            first,
            gone,
            leftBehind(change, MOVES_STATE),
            target,
            change.mainInt(MOVES_STATE));
      }
      case 1 -> {
        int flags = SpgistRedo.leafFlags(change, 4);
        SpgistPage.open(change, page, SpgistRedo.isSet(change, 2), flags);
        putLeafs(change, page, numbers, come, tuples);
      }
      case 2 -> SpgistRedo.setLink(change, page, 6, SpgistTuple.tid(change.blockNumber(1), head));
      default -> throw change.strangeBlock();
    }
  }

  private static int comers(int gone, int replacesDead) {
    return replacesDead != 0 ? 1 : gone + 1;
  }

  /// How much of the main data redo of MOVE_LEAFS reads for a block: only block 1 needs tuples.
  static int moveLeafsLength(WalRecord record, int blockId) {
    int all = record.mainDataLength();
    if (blockId == 1 || all < MOVES) {
      return all;
    }
    int gone = uint16(record, 0);
    int replacesDead = record.bytes().get(PgLayout.BYTE, record.mainDataOffset() + 3);
    return MOVES + (gone + comers(gone, replacesDead)) * Short.BYTES;
  }

  /// | main data | field                                                                       |
  /// |-----------|-----------------------------------------------------------------------------|
  /// | 0         | whether the root is split                                                   |
  /// | 2-3       | how many items go from block 0                                              |
  /// | 4-5       | how many leaf tuples come to blocks 0 and 1                                 |
  /// | 6, 7, 10  | whether blocks 0, 1, 2 are made anew                                        |
  /// | 8-9       | number of the inner tuple's item on block 2                                 |
  /// | 11        | whether the pages hold nulls                                                |
  /// | 12        | whether block 2 has the parent, too                                         |
  /// | 14-15     | number of the parent's item                                                 |
  /// | 16-17     | the node there that has the downlink                                        |
  /// | 20-27     | state                                                                       |
  /// | 28-       | numbers of the items that go, `u16` each                                    |
  /// |           | numbers of the items that come, `u16` each                                  |
  /// |           | which page each of these comes to, `u8`: 0 block 0, else block 1            |
  /// |           | the inner tuple, then the leaf tuples                                       |
  static void pickSplit(Change change, MemorySegment page) {
    change.requireMain(SPLIT);
    int gone = change.mainUint16(2);
    int come = change.mainUint16(4);
    int inner = SPLIT + gone * Short.BYTES + come * (Short.BYTES + 1);
    switch (change.blockId()) {
      case 0 -> {
        boolean isNew = SpgistRedo.isSet(change, 6);
        SpgistPage.open(change, page, isNew, SpgistRedo.leafFlags(change, 11));
        if (!isNew) {
          change.requireMain(inner);
          long first = change.mainOffset() + (long) SPLIT;
          SpgistPage.kill(
              change,
              page,
              first,
              gone,
              leftBehind(change, SPLIT_STATE),
              innerTid(change),
              change.mainInt(SPLIT_STATE));
        }
        putSelected(change, page, inner, come, false);
      }
      case 1 -> {
        int flags = SpgistRedo.leafFlags(change, 11);
        SpgistPage.open(change, page, SpgistRedo.isSet(change, 7), flags);
        putSelected(change, page, inner, come, true);
      }
      case 2 -> putInner(change, page, inner);
      case 3 -> SpgistRedo.setLink(change, page, 14, innerTid(change));
      default -> throw change.strangeBlock();
    }
  }

  private static long innerTid(Change change) {
    return SpgistTuple.tid(change.blockNumber(2), change.mainUint16(8));
  }

  /// How much of the main data redo of PICKSPLIT reads for a block: a parent needs no tuples, the
  /// inner page only its own.
  static int pickSplitLength(WalRecord record, int blockId) {
    int all = record.mainDataLength();
    if (blockId == 3) {
      return SPLIT;
    }
    if (blockId != 2 || all < SPLIT) {
      return all;
    }
    int inner = SPLIT + uint16(record, 2) * Short.BYTES + uint16(record, 4) * (Short.BYTES + 1);
    return all < inner + SpgistTuple.DEAD_SIZE
        ? all
        : inner + SpgistTuple.innerSize(record.bytes(), record.mainDataOffset() + inner);
  }

  private static int uint16(WalRecord record, int at) {
    return record.bytes().get(PgLayout.SHORT, record.mainDataOffset() + at) & 0xFFFF;
  }

  private static int leftBehind(Change change, int state) {
    return SpgistRedo.isBuild(change, state) ? SpgistTuple.PLACEHOLDER : SpgistTuple.REDIRECT;
  }

  private static void putInner(Change change, MemorySegment page, int inner) {
    int flags = SpgistRedo.isSet(change, 11) ? SpgistPage.NULLS : 0;
    SpgistPage.open(change, page, SpgistRedo.isSet(change, 10), flags);
    change.requireMain(inner);
    long offset = change.mainOffset() + (long) inner;
    int available = change.mainLength() - inner;
    int size = SpgistTuple.requireInner(change, change.bytes(), offset, available);
    SpgistPage.put(change, page, change.mainUint16(8), offset, size);
    if (SpgistRedo.isSet(change, 12)) {
      SpgistRedo.setLink(change, page, 14, innerTid(change));
    }
  }

  /// Puts the leaf tuples that main data has from `tuples` to its end, `count` of them.
  private static void putLeafs(
      Change change, MemorySegment page, int numbers, int count, int tuples) {
    int at = tuples;
    for (int i = 0; i < count; i++) {
      int size = leafSize(change, at);
      int number = change.mainUint16(numbers + i * Short.BYTES);
      SpgistPage.put(change, page, number, change.mainOffset() + (long) at, size);
      at += size;
    }
    SpgistRedo.requireEnd(change, at);
  }

  /// Puts those of PICKSPLIT's leaf tuples that come to this page.
  private static void putSelected(
      Change change, MemorySegment page, int inner, int count, boolean second) {
    change.requireMain(inner);
    long offset = change.mainOffset() + (long) inner;
    int available = change.mainLength() - inner;
    int at = inner + SpgistTuple.requireInner(change, change.bytes(), offset, available);
    int selectors = inner - count;
    int numbers = selectors - count * Short.BYTES;
    for (int i = 0; i < count; i++) {
      int size = leafSize(change, at);
      if (second == SpgistRedo.isSet(change, selectors + i)) {
        int number = change.mainUint16(numbers + i * Short.BYTES);
        SpgistPage.put(change, page, number, change.mainOffset() + (long) at, size);
      }
      at += size;
    }
    SpgistRedo.requireEnd(change, at);
  }

  private static int leafSize(Change change, int at) {
    long offset = change.mainOffset() + (long) at;
    return SpgistTuple.requireLeaf(change, change.bytes(), offset, change.mainLength() - at);
  }
}
