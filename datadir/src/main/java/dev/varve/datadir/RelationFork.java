package dev.varve.datadir;

/// One fork of one relation, by the numbers of its file.
///
/// @param tablespace OID; 1663 is `pg_default`, 1664 `pg_global`
/// @param database OID; 0 for relations that all databases share
/// @param relation relation file number
/// @param fork {@link #MAIN}, {@link #FREE_SPACE_MAP}, {@link #VISIBILITY_MAP} or {@link #INIT}
public record RelationFork(int tablespace, int database, int relation, int fork) {

  public static final int MAIN = 0;
  public static final int FREE_SPACE_MAP = 1;
  public static final int VISIBILITY_MAP = 2;

  /// What an unlogged relation is reset to; it is the only fork of it that the log knows.
  public static final int INIT = 3;

  /// Number of forks: 0 to 3.
  public static final int FORKS = 4;

  public RelationFork {
    if (fork < 0 || fork >= FORKS) {
      throw new IllegalArgumentException("a relation has no fork " + fork);
    }
  }

  /// The same relation's fork of that number.
  public RelationFork withFork(int other) {
    return new RelationFork(tablespace, database, relation, other);
  }

  /// As in `1663/16384/2619`, or `1663/16384/2619_vm`; all numbers unsigned.
  @Override
  public String toString() {
    return Integer.toUnsignedString(tablespace)
        + "/"
        + Integer.toUnsignedString(database)
        + "/"
        + Integer.toUnsignedString(relation)
        + suffix(fork);
  }

  /// What the fork's file name ends with: nothing for the main fork.
  public static String suffix(int fork) {
    return switch (fork) {
      case MAIN -> "";
      case FREE_SPACE_MAP -> "_fsm";
      case VISIBILITY_MAP -> "_vm";
      case INIT -> "_init";
      default -> throw new IllegalArgumentException("a relation has no fork " + fork);
    };
  }
}
