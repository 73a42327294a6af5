package dev.varve.postgres.wal;

import java.util.Locale;
import java.util.Optional;

/// The name of a segment file of the log, such as `000000010000000A000000FE`: 24 hexadecimal
/// digits, upper case.
///
/// | digits | content                                                       |
/// |-------:|---------------------------------------------------------------|
/// |      8 | the PostgreSQL timeline                                       |
/// |      8 | high 32 bits of the LSN                                       |
/// |      8 | number of the segment within these 4 GiB; depends on its size |
///
/// @param tli the PostgreSQL timeline, unsigned and not 0
/// @param high high 32 bits of every LSN in the segment
/// @param low number of the segment within the 4 GiB, from 0
public record SegmentName(int tli, int high, int low) {

  private static final int LENGTH = 24;
  private static final int FIELD = 8;

  static SegmentName of(int tli, long number, WalSegments segments) {
    long lsn = segments.start(number);
    return new SegmentName(tli, (int) (lsn >>> 32), (int) segments.number(lsn & 0xFFFF_FFFFL));
  }

  /// @return empty when the text is not the name of a whole segment (a `.partial`, a history file)
  public static Optional<SegmentName> parse(String text) {
    if (text.length() != LENGTH || !text.chars().allMatch(SegmentName::isDigit)) {
      return Optional.empty();
    }
    var name = new SegmentName(field(text, 0), field(text, 1), field(text, 2));
    return name.tli == 0 ? Optional.empty() : Optional.of(name);
  }

  private static boolean isDigit(int c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
  }

  private static int field(String text, int index) {
    return Integer.parseUnsignedInt(text, index * FIELD, (index + 1) * FIELD, 16);
  }

  /// The LSN at which the segment begins.
  ///
  /// @throws IllegalArgumentException when segments of this size can't have this name
  public long start(WalSegments segments) {
    long within = segments.start(Integer.toUnsignedLong(low));
    if (within > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException(
          this + " can't be the name of a WAL segment of " + segments.size() + " bytes");
    }
    return (Integer.toUnsignedLong(high) << 32) | within;
  }

  /// The file's name.
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%08X%08X%08X", tli, high, low);
  }
}
