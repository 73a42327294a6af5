package dev.varve.redo;

import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// What the records of the SP-GiST access method do to their pages.
///
/// | record          | block 0                   | other blocks                                     |
/// |-----------------|---------------------------|--------------------------------------------------|
/// | ADD_LEAF        | gets a leaf tuple         | 1: parent, if its downlink changes               |
/// | MOVE_LEAFS, PICKSPLIT | see {@link SpgistMoves} |                                              |
/// | ADD_NODE        | an inner tuple gets a node, in its place or on another page | 1: that page; 2: parent, if it is a third page |
/// | SPLIT_TUPLE     | an inner tuple becomes two | 1: page of the second, if it is another one     |
/// | VACUUM_…        | see {@link SpgistVacuum}  |                                                  |
///
/// All that redo needs is in the main data; blocks have no data of their own. A page is made anew
/// when the main data says so. PostgreSQL's `access/spgxlog.h`; only VACUUM_REDIRECT differs
/// between 14 and 18.
///
/// The fixed part of some records ends with the state of who wrote them, 8 bytes: the transaction
/// that goes into redirects (`u32`), whether an index is being built (`u8`; there are no redirects
/// then).
final class SpgistRedo {

  private static final int LEAF_TUPLE = 10;
  private static final int NODE_STATE = 12;
  private static final int NODE_TUPLE = 20;
  private static final int SPLIT_TUPLES = 6;

  private SpgistRedo() {}

  /// Changes the page, and gives it the LSN.
  static void apply(Change change, long lsn, MemorySegment page) {
    switch (change.info() & 0xF0) {
      case RecordType.SPGIST_ADD_LEAF -> addLeaf(change, page);
      case RecordType.SPGIST_MOVE_LEAFS -> SpgistMoves.moveLeafs(change, page);
      case RecordType.SPGIST_ADD_NODE -> addNode(change, page);
      case RecordType.SPGIST_SPLIT_TUPLE -> splitTuple(change, page);
      case RecordType.SPGIST_PICKSPLIT -> SpgistMoves.pickSplit(change, page);
      case RecordType.SPGIST_VACUUM_LEAF -> SpgistVacuum.leaf(change, page);
      case RecordType.SPGIST_VACUUM_ROOT -> SpgistVacuum.root(change, page);
      case RecordType.SPGIST_VACUUM_REDIRECT -> SpgistVacuum.redirects(change, page);
      default -> throw change.unsupported();
    }
    Page.setLsn(page, lsn);
  }

  /// How much of the main data redo of this block reads: a parent needs no tuples.
  static int mainLength(WalRecord record, int block) {
    int all = record.mainDataLength();
    int id = record.blockId(block);
    int read =
        switch (record.info() & 0xF0) {
          case RecordType.SPGIST_ADD_LEAF -> id == 0 ? all : LEAF_TUPLE;
          case RecordType.SPGIST_MOVE_LEAFS -> SpgistMoves.moveLeafsLength(record, id);
          case RecordType.SPGIST_ADD_NODE -> {
            int tupleBlock = record.findBlock(1) < 0 ? 0 : 1;
            yield id == tupleBlock ? all : NODE_TUPLE;
          }
          case RecordType.SPGIST_PICKSPLIT -> SpgistMoves.pickSplitLength(record, id);
          default -> all;
        };
    return Math.min(all, read);
  }

  /// | main data | field                                                             |
  /// |-----------|-------------------------------------------------------------------|
  /// | 0         | whether the page is new                                           |
  /// | 1         | whether it holds nulls                                            |
  /// | 2-3       | number of the new item                                            |
  /// | 4-5       | number of the first item of its chain, 0 if it has none; the same as the new item's if that replaces a dead tuple |
  /// | 6-7       | number of the parent's item, 0 if its downlink stays              |
  /// | 8-9       | the node there that has the downlink                              |
  /// | 10-       | the tuple                                                         |
  private static void addLeaf(Change change, MemorySegment page) {
    change.requireMain(LEAF_TUPLE);
    int number = change.mainUint16(2);
    switch (change.blockId()) {
      case 0 -> {
        SpgistPage.open(change, page, isSet(change, 0), leafFlags(change, 1));
        long tuple = change.mainOffset() + (long) LEAF_TUPLE;
        int available = change.mainLength() - LEAF_TUPLE;
        int size = SpgistTuple.requireLeaf(change, change.bytes(), tuple, available);
        requireEnd(change, LEAF_TUPLE + size);
        int head = change.mainUint16(4);
        if (head == number) {
          SpgistPage.revive(change, page, number, tuple, size);
        } else {
          SpgistPage.put(change, page, number, tuple, size);
          if (head != 0) {
            SpgistTuple.setNext(change, page, head, number);
          }
        }
      }
      case 1 -> setLink(change, page, 6, SpgistTuple.tid(change.blockNumber(0), number));
      default -> throw change.strangeBlock();
    }
  }

  /// | main data | field                                                                       |
  /// |-----------|-----------------------------------------------------------------------------|
  /// | 0-1       | number of the inner tuple's item                                            |
  /// | 2-3       | number of the new tuple's item on block 1; 0 if there is no block 1         |
  /// | 4         | whether that page is new                                                    |
  /// | 5         | which block the parent is on, FF if its downlink stays                      |
  /// | 6-7       | number of the parent's item                                                 |
  /// | 8-9       | the node there that has the downlink                                        |
  /// | 12-19     | state                                                                       |
  /// | 20-       | the new tuple                                                               |
  private static void addNode(Change change, MemorySegment page) {
    change.requireMain(NODE_TUPLE);
    int id = change.blockId();
    int number = change.mainUint16(0);
    if (!change.hasBlock(1)) {
      if (id != 0) {
        throw change.strangeBlock();
      }
      SpgistPage.open(change, page, false, 0);
      int size = requireInnerToEnd(change, NODE_TUPLE);
      SpgistPage.replace(change, page, number, change.mainOffset() + (long) NODE_TUPLE, size);
      return;
    }
    int newNumber = change.mainUint16(2);
    long target = SpgistTuple.tid(change.blockNumber(1), newNumber);
    switch (id) {
      case 0 -> {
        SpgistPage.open(change, page, false, 0);
        int state = isBuild(change, NODE_STATE) ? SpgistTuple.PLACEHOLDER : SpgistTuple.REDIRECT;
        SpgistPage.killOne(change, page, number, state, target, change.mainInt(NODE_STATE));
      }
      case 1 -> {
        SpgistPage.open(change, page, isSet(change, 4), 0);
        int size = requireInnerToEnd(change, NODE_TUPLE);
        SpgistPage.put(change, page, newNumber, change.mainOffset() + (long) NODE_TUPLE, size);
      }
      case 2 -> SpgistPage.open(change, page, false, 0);
      default -> throw change.strangeBlock();
    }
    if (change.mainByte(5) == id) {
      setLink(change, page, 6, target);
    } else if (id == 2) {
      throw change.strangeBlock();
    }
  }

  /// | main data | field                                                                   |
  /// |-----------|-------------------------------------------------------------------------|
  /// | 0-1       | number of the item that gets the first tuple, with the common prefix    |
  /// | 2-3       | number of the item that gets the second                                 |
  /// | 4         | whether the second one's page is new                                    |
  /// | 5         | whether it is the first one's                                           |
  /// | 6-        | both tuples                                                             |
  private static void splitTuple(Change change, MemorySegment page) {
    change.requireMain(SPLIT_TUPLES);
    boolean same = isSet(change, 5);
    long first = change.mainOffset() + (long) SPLIT_TUPLES;
    int available = change.mainLength() - SPLIT_TUPLES;
    int size = SpgistTuple.requireInner(change, change.bytes(), first, available);
    long second = first + size;
    int secondSize = requireInnerToEnd(change, SPLIT_TUPLES + size);
    int secondNumber = change.mainUint16(2);
    switch (change.blockId()) {
      case 0 -> {
        SpgistPage.open(change, page, false, 0);
        SpgistPage.replace(change, page, change.mainUint16(0), first, size);
        if (same) {
          SpgistPage.put(change, page, secondNumber, second, secondSize);
        }
      }
      case 1 -> {
        if (same) {
          throw change.strangeBlock();
        }
        SpgistPage.open(change, page, isSet(change, 4), 0);
        SpgistPage.put(change, page, secondNumber, second, secondSize);
      }
      default -> throw change.strangeBlock();
    }
  }

  private static int requireInnerToEnd(Change change, int at) {
    long offset = change.mainOffset() + (long) at;
    int available = change.mainLength() - at;
    int size = SpgistTuple.requireInner(change, change.bytes(), offset, available);
    requireEnd(change, at + size);
    return size;
  }

  static void requireEnd(Change change, int end) {
    if (change.mainLength() != end) {
      throw change.corrupted(
          "its main data has %d bytes, of which %d are understood"
              .formatted(change.mainLength(), end));
    }
  }

  /// Points the parent's node, as main data has its item and the node from `at` on, at a child.
  static void setLink(Change change, MemorySegment page, int at, long child) {
    SpgistPage.require(change, page);
    SpgistTuple.setLink(change, page, change.mainUint16(at), change.mainUint16(at + 2), child);
  }

  static boolean isSet(Change change, int at) {
    return change.mainByte(at) != 0;
  }

  static boolean isBuild(Change change, int state) {
    return isSet(change, state + 4);
  }

  /// Flags of a new leaf page; main data says at `nullsAt` whether it is for nulls.
  static int leafFlags(Change change, int nullsAt) {
    return isSet(change, nullsAt) ? SpgistPage.LEAF | SpgistPage.NULLS : SpgistPage.LEAF;
  }
}
