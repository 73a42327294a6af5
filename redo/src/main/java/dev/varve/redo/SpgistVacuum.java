package dev.varve.redo;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;

/// Records of vacuum on SP-GiST pages; block 0 is their only one. PostgreSQL's `access/spgxlog.h`.
final class SpgistVacuum {

  private static final int LEAF_STATE = 8;
  private static final int LEAF_NUMBERS = 16;
  private static final int ROOT_NUMBERS = 12;

  private SpgistVacuum() {}

  private static void requirePage(Change change, MemorySegment page) {
    if (change.blockId() != 0) {
      throw change.strangeBlock();
    }
    SpgistPage.open(change, page, false, 0);
  }

  /// VACUUM_LEAF. Lists of `u16` follow the state.
  ///
  /// | main data | field                                                                  |
  /// |-----------|------------------------------------------------------------------------|
  /// | 0-1       | how many items become dead                                             |
  /// | 2-3       | how many become placeholders                                           |
  /// | 4-5       | how many move to another item's number                                 |
  /// | 6-7       | how many get another next item                                         |
  /// | 8-15      | state                                                                  |
  /// | 16-       | the items that become dead; that become placeholders; that move; where those move to; whose next item changes; their next ones |
  ///
  /// An item that moves changes places with the one whose number it gets, which becomes a
  /// placeholder.
  static void leaf(Change change, MemorySegment page) {
    requirePage(change, page);
    int dead = change.mainUint16(0);
    int placeholders = change.mainUint16(2);
    int moves = change.mainUint16(4);
    int links = change.mainUint16(6);
    int placeholdersAt = LEAF_NUMBERS + dead * Short.BYTES;
    int movesAt = placeholdersAt + placeholders * Short.BYTES;
    int targetsAt = movesAt + moves * Short.BYTES;
    int linksAt = targetsAt + moves * Short.BYTES;
    int nextsAt = linksAt + links * Short.BYTES;
    SpgistRedo.requireEnd(change, nextsAt + links * Short.BYTES);
    kill(change, page, LEAF_NUMBERS, dead, SpgistTuple.DEAD);
    kill(change, page, placeholdersAt, placeholders, SpgistTuple.PLACEHOLDER);
    for (int i = 0; i < moves; i++) {
      int from = change.mainUint16(movesAt + i * Short.BYTES);
      SpgistPage.exchange(change, page, from, change.mainUint16(targetsAt + i * Short.BYTES));
    }
    kill(change, page, movesAt, moves, SpgistTuple.PLACEHOLDER);
    for (int i = 0; i < links; i++) {
      int number = change.mainUint16(linksAt + i * Short.BYTES);
      SpgistTuple.setNext(change, page, number, change.mainUint16(nextsAt + i * Short.BYTES));
    }
  }

  private static void kill(Change change, MemorySegment page, int at, int count, int state) {
    long numbers = change.mainOffset() + (long) at;
    SpgistPage.kill(
        change, page, numbers, count, state, SpgistTuple.NO_TID, change.mainInt(LEAF_STATE));
  }

  /// VACUUM_ROOT, of a root that is a leaf: nothing points at its items, so they just go.
  ///
  /// | main data | field                                          |
  /// |-----------|------------------------------------------------|
  /// | 0-1       | how many items go                              |
  /// | 4-11      | state                                          |
  /// | 12-       | their numbers, `u16` each                      |
  static void root(Change change, MemorySegment page) {
    requirePage(change, page);
    int count = change.mainUint16(0);
    SpgistRedo.requireEnd(change, ROOT_NUMBERS + count * Short.BYTES);
    long numbers = change.mainOffset() + (long) ROOT_NUMBERS;
    IndexItems.removeAll(change, page, change.bytes(), numbers, count);
  }

  /// VACUUM_REDIRECT.
  ///
  /// | main data | field                                                                      |
  /// |-----------|----------------------------------------------------------------------------|
  /// | 0-1       | how many redirects become placeholders                                     |
  /// | 2-3       | the first of the placeholders at the page's end, which go; 0 if none go    |
  /// | 4-7       | newest transaction that a snapshot must not need                           |
  /// | 8         | from 16 on: whether the relation is a catalog; padding                     |
  /// | 8- or 10- | numbers of the redirects, `u16` each; from 10 on since 16                  |
  static void redirects(Change change, MemorySegment page) {
    requirePage(change, page);
    int count = change.mainUint16(0);
    int first = change.mainUint16(2);
    int numbers = change.version().isAtLeast(PgVersion.V16) ? 10 : 8;
    SpgistRedo.requireEnd(change, numbers + count * Short.BYTES);
    for (int i = 0; i < count; i++) {
      SpgistPage.endRedirect(change, page, change.mainUint16(numbers + i * Short.BYTES));
    }
    if (first != 0) {
      SpgistPage.cutPlaceholders(change, page, first);
    }
  }
}
