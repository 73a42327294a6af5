package dev.varve.redo;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;

/// Items of a hash index that move towards the front of their bucket's chain, and the overflow page
/// that becomes free when all of its items have moved. {@link HashRedo} has the layouts.
final class HashMoves {

  private HashMoves() {}

  /// @return whether the page was to be changed
  static boolean move(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> {
        return false;
      }
      case 1 -> addItems(change, page, change.mainUint16(0));
      case 2 -> remove(change, page);
      default -> throw change.strangeBlock();
    }
    return true;
  }

  /// @return whether the page was to be changed
  static boolean squeeze(Change change, MemorySegment page) {
    switch (change.blockId()) {
      case 0 -> {
        return false;
      }
      case 1 -> {
        return squeezeInto(change, page);
      }
      case 2 -> {
        HashPage.require(change, page, HashPage.OVERFLOW);
        HashPage.initialize(page, HashPage.NONE, HashPage.NONE, 0);
      }
      case 3 -> {
        HashPage.require(change, page, HashPage.ITEMS);
        HashPage.setNext(page, change.mainInt(4));
      }
      case 4 -> {
        HashPage.require(change, page, HashPage.ITEMS);
        HashPage.setPrevious(page, change.mainInt(0));
      }
      case 5 -> HashPage.setBit(change, page, change.dataInt(0), false);
      case 6 -> HashMetapage.setFirstFree(change, page, change.dataInt(0));
      default -> throw change.strangeBlock();
    }
    return true;
  }

  /// Up to PostgreSQL 16 the page gets the LSN even when nothing moves and it is not the page
  /// before the one that becomes free.
  private static boolean squeezeInto(Change change, MemorySegment page) {
    int count = change.mainUint16(8);
    boolean isBefore = change.mainByte(11) != 0;
    addItems(change, page, count);
    if (isBefore) {
      HashPage.setNext(page, change.mainInt(4));
    }
    return count > 0 || isBefore || !change.version().isAtLeast(PgVersion.V17);
  }

  /// Data: the numbers that the items get, one after the other, then their tuples.
  private static void addItems(Change change, MemorySegment page, int count) {
    HashPage.require(change, page, HashPage.ITEMS);
    change.requireData(count * 2);
    MemorySegment source = change.bytes();
    long end = change.dataOffset() + (long) change.dataLength();
    long at = change.dataOffset() + count * 2L;
    for (int i = 0; i < count; i++) {
      int length = PageItems.align(BtreeTuple.require(change, source, at, (int) (end - at)));
      IndexItems.add(change, page, change.dataUint16(i * 2), source, at, length);
      at += length;
    }
    if (at != end) {
      throw change.corrupted("%d bytes follow its %d tuples".formatted(end - at, count));
    }
  }

  /// Removes the items whose numbers are the block's data.
  static void remove(Change change, MemorySegment page) {
    HashPage.require(change, page, HashPage.ITEMS);
    if (change.dataLength() % 2 != 0) {
      throw change.corrupted("the numbers of items in %d bytes".formatted(change.dataLength()));
    }
    IndexItems.removeAll(
        change, page, change.bytes(), change.dataOffset(), change.dataLength() / 2);
  }
}
