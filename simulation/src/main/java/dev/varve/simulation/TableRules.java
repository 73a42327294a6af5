package dev.varve.simulation;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.timeline.KeyRules;
import dev.varve.timeline.Timeline;

/// What keys mean here: pages of three tables and values. One of the tables can be dropped, which
/// is a value that says so; nobody writes to it or asks for it from then on.
final class TableRules implements KeyRules {

  private static final int FIRST_TABLE = 16384;
  private static final int TABLES = 3;
  private static final int DROPPABLE = FIRST_TABLE + TABLES - 1;
  private static final int VALUE_KIND = 0x61;

  /// Has a value once the table is dropped.
  static final Key DROPPED = value(1_000);

  static Key page(int block) {
    return new Key(0, 1663, 5, FIRST_TABLE + block % TABLES, 0, block);
  }

  static Key value(int number) {
    return new Key(VALUE_KIND, 0, 0, number, 0, 0);
  }

  /// Whether a key is of the table that can be dropped.
  static boolean isDroppable(Key key) {
    return isOfPage(key) && key.relation() == DROPPABLE;
  }

  private static boolean isOfPage(Key key) {
    return key.kind() == 0;
  }

  @Override
  public boolean isPage(Key key) {
    return isOfPage(key);
  }

  @Override
  public Verdict verdict(Timeline timeline, Key key, Lsn lsn) {
    if (!isOfPage(key)) {
      return new Verdict(false, Key.MAX);
    }
    Key end = new Key(0, key.tablespace(), key.database(), key.relation() + 1, 0, 0);
    return new Verdict(isDroppable(key) && timeline.has(DROPPED, lsn), end);
  }
}
