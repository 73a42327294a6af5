package dev.varve.postgres.wal;

/// How a server cuts its log into files: all of one size, a power of two from 1 MiB to 1 GiB
/// (`initdb --wal-segsize`), numbered from 0 at LSN 0.
///
/// @param size bytes of a segment
public record WalSegments(int size) {

  /// Bytes of a page of the log (`XLOG_BLCKSZ`).
  public static final int PAGE_SIZE = 8192;

  public static final int DEFAULT_SIZE = 16 << 20;
  private static final int MIN_SIZE = 1 << 20;
  private static final int MAX_SIZE = 1 << 30;

  public WalSegments {
    if (!isLegal(size)) {
      throw new IllegalArgumentException(
          "a WAL segment can't have "
              + Integer.toUnsignedString(size)
              + " bytes: it is a power of two from 1 MiB to 1 GiB");
    }
  }

  static boolean isLegal(int size) {
    return size >= MIN_SIZE && size <= MAX_SIZE && Integer.bitCount(size) == 1;
  }

  /// The segment that the byte at `lsn` is in.
  public long number(long lsn) {
    return lsn >>> Integer.numberOfTrailingZeros(size);
  }

  /// The LSN at which a segment begins.
  public long start(long number) {
    return number << Integer.numberOfTrailingZeros(size);
  }

  /// The LSN at which the segment begins that the byte at `lsn` is in.
  public long startOf(long lsn) {
    return lsn & -(long) size;
  }

  /// Bytes from the start of its segment to `lsn`.
  public int offset(long lsn) {
    return (int) (lsn & (size - 1));
  }

  /// The file that the byte at `lsn` is in.
  ///
  /// @param tli the PostgreSQL timeline whose log it is
  public SegmentName nameOf(int tli, long lsn) {
    return SegmentName.of(tli, number(lsn), this);
  }
}
