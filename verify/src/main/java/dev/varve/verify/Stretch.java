package dev.varve.verify;

import dev.varve.postgres.backup.DataFile;

/// As many blocks of a fork as PostgreSQL puts into one file; or the pages of one SLRU segment.
///
/// @param upper of the keys of its pages; `middle` likewise
/// @param number counts stretches of {@link #BLOCKS} from the fork's beginning on
record Stretch(long upper, long middle, int fork, int number) {

  static final int BLOCKS = DataFile.RelationSegment.BLOCKS;

  static Stretch of(long upper, long middle, long lower) {
    return new Stretch(
        upper, middle, (int) (lower >>> 32), Integer.divideUnsigned((int) lower, BLOCKS));
  }

  /// The place of a block in its stretch.
  static int index(long lower) {
    return Integer.remainderUnsigned((int) lower, BLOCKS);
  }
}
