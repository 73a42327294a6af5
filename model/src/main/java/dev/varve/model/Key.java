package dev.varve.model;

import java.util.HexFormat;

/// The name of one page, or of one other value; keys sort as their 18 bytes do.
///
/// | bytes | field        | for a relation block          |
/// |-------|--------------|-------------------------------|
/// | 0     | `kind`       | 0                             |
/// | 1-4   | `tablespace` | OID, big-endian               |
/// | 5-8   | `database`   | OID, big-endian               |
/// | 9-12  | `relation`   | relation file number          |
/// | 13    | `fork`       | 0 main, 1 fsm, 2 vm, 3 init   |
/// | 14-17 | `block`      | block number, big-endian      |
///
/// What the fields of other kinds mean is the business of the module that maps a data directory to
/// keys. All `int` fields are unsigned.
///
/// Hot code carries a key as three `long`s instead of an object: {@link #upper()} (kind and
/// tablespace), {@link #middle()} (database and relation), {@link #lower()} (fork and block). They
/// compare unsigned, in that order, as the key does.
public record Key(int kind, int tablespace, int database, int relation, int fork, int block)
    implements Comparable<Key> {

  public static final int BYTES = 18;

  public static final Key MIN = new Key(0, 0, 0, 0, 0, 0);

  /// Above every key in use; only ever the excluded end of a range.
  public static final Key MAX = new Key(0xFF, -1, -1, -1, 0xFF, -1);

  public Key {
    requireByte("kind", kind);
    requireByte("fork", fork);
  }

  private static void requireByte(String name, int value) {
    if (value < 0 || value > 0xFF) {
      throw new IllegalArgumentException(name + " is not an unsigned byte: " + value);
    }
  }

  /// The inverse of {@link #upper()}, {@link #middle()} and {@link #lower()}.
  public static Key of(long upper, long middle, long lower) {
    return new Key(
        (int) (upper >>> 32),
        (int) upper,
        (int) (middle >>> 32),
        (int) middle,
        (int) (lower >>> 32),
        (int) lower);
  }

  public static long upper(int kind, int tablespace) {
    return (long) kind << 32 | Integer.toUnsignedLong(tablespace);
  }

  public static long middle(int database, int relation) {
    return (long) database << 32 | Integer.toUnsignedLong(relation);
  }

  public static long lower(int fork, int block) {
    return (long) fork << 32 | Integer.toUnsignedLong(block);
  }

  public long upper() {
    return upper(kind, tablespace);
  }

  public long middle() {
    return middle(database, relation);
  }

  public long lower() {
    return lower(fork, block);
  }

  /// Orders two keys given by their parts.
  public static int compare(
      long upper1, long middle1, long lower1, long upper2, long middle2, long lower2) {
    int order = Long.compareUnsigned(upper1, upper2);
    if (order == 0) {
      order = Long.compareUnsigned(middle1, middle2);
    }
    return order == 0 ? Long.compareUnsigned(lower1, lower2) : order;
  }

  /// The key that follows this one directly.
  ///
  /// @throws IllegalStateException on {@link #MAX}
  public Key next() {
    if (block != -1) {
      return new Key(kind, tablespace, database, relation, fork, block + 1);
    }
    if (fork != 0xFF) {
      return new Key(kind, tablespace, database, relation, fork + 1, 0);
    }
    long middle = middle() + 1;
    if (middle != 0) {
      return of(upper(), middle, 0);
    }
    if (equals(MAX)) {
      throw new IllegalStateException("no key follows " + this);
    }
    return of(upper() + 1, 0, 0);
  }

  @Override
  public int compareTo(Key that) {
    return compare(upper(), middle(), lower(), that.upper(), that.middle(), that.lower());
  }

  /// 36 upper-case hex digits, the fields at full width.
  @Override
  public String toString() {
    HexFormat hex = HexFormat.of().withUpperCase();
    return hex.toHexDigits((byte) kind)
        + hex.toHexDigits(tablespace)
        + hex.toHexDigits(database)
        + hex.toHexDigits(relation)
        + hex.toHexDigits((byte) fork)
        + hex.toHexDigits(block);
  }

  /// Reads what {@link #toString()} writes.
  public static Key parse(String hex) {
    if (hex.length() != 2 * BYTES) {
      throw new IllegalArgumentException("a key has 36 hex digits: \"" + hex + "\"");
    }
    return new Key(
        (int) digits(hex, 0, 2),
        (int) digits(hex, 2, 10),
        (int) digits(hex, 10, 18),
        (int) digits(hex, 18, 26),
        (int) digits(hex, 26, 28),
        (int) digits(hex, 28, 36));
  }

  private static long digits(String hex, int from, int to) {
    return Long.parseLong(hex, from, to, 16);
  }
}
