package dev.varve.model;

import java.util.Locale;

/// A position in the write-ahead log, in bytes; ordered as an unsigned number.
///
/// Where Varve says "the LSN of a record" it means the record's *end*, which is where the next one
/// begins: the value that PostgreSQL's redo writes into a page's header.
public record Lsn(long value) implements Comparable<Lsn> {

  public static final Lsn ZERO = new Lsn(0);

  /// The greatest value; where a protocol allows it, "the newest there is".
  public static final Lsn MAX = new Lsn(-1L);

  private static final int RECORD_ALIGNMENT = 8;

  /// Reads the form that PostgreSQL prints, such as `0/16B3748`.
  ///
  /// @throws IllegalArgumentException naming the text, when it is anything else
  public static Lsn parse(String text) {
    String trimmed = text.strip();
    int slash = trimmed.indexOf('/');
    if (slash < 0 || slash != trimmed.lastIndexOf('/')) {
      throw malformed(text);
    }
    return new Lsn(
        half(text, trimmed.substring(0, slash)) << 32 | half(text, trimmed.substring(slash + 1)));
  }

  private static long half(String whole, String digits) {
    if (digits.isEmpty() || digits.length() > 8) {
      throw malformed(whole);
    }
    for (int i = 0; i < digits.length(); i++) {
      if (Character.digit(digits.charAt(i), 16) < 0 || digits.charAt(i) > 'f') {
        throw malformed(whole);
      }
    }
    return Long.parseLong(digits, 16);
  }

  private static IllegalArgumentException malformed(String text) {
    return new IllegalArgumentException(
        "\"" + text + "\" is not an LSN; an LSN looks like 0/16B3748");
  }

  /// The last position at or before this one where a record may end and the next begin: as of both
  /// the same records are in.
  public Lsn alignDown() {
    return new Lsn(value & -RECORD_ALIGNMENT);
  }

  public Lsn plus(long bytes) {
    return new Lsn(value + bytes);
  }

  public boolean isBefore(Lsn that) {
    return compareTo(that) < 0;
  }

  public boolean isAfter(Lsn that) {
    return compareTo(that) > 0;
  }

  /// Bytes from `earlier` to here; negative when `earlier` is later.
  public long minus(Lsn earlier) {
    return value - earlier.value;
  }

  public static Lsn max(Lsn a, Lsn b) {
    return a.isBefore(b) ? b : a;
  }

  public static Lsn min(Lsn a, Lsn b) {
    return a.isBefore(b) ? a : b;
  }

  @Override
  public int compareTo(Lsn that) {
    return Long.compareUnsigned(value, that.value);
  }

  /// The form PostgreSQL prints, such as `0/16B3748`.
  @Override
  public String toString() {
    return format(value);
  }

  /// {@link #toString()} of a bare value, for hot code that keeps LSNs as `long`.
  public static String format(long value) {
    return String.format(Locale.ROOT, "%X/%X", value >>> 32, value & 0xFFFF_FFFFL);
  }
}
