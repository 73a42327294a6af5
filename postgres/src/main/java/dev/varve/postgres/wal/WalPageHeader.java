package dev.varve.postgres.wal;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/// The header of a page of the log, checked as PostgreSQL checks it; reused for every page.
///
/// | offset | bytes | field                                                              |
/// |-------:|------:|--------------------------------------------------------------------|
/// |      0 |     2 | magic number: the {@link PgVersion}                                |
/// |      2 |     2 | info, see below                                                    |
/// |      4 |     4 | PostgreSQL timeline                                                |
/// |      8 |     8 | the page's LSN                                                     |
/// |     16 |     4 | how much is left of the record that began on an earlier page       |
/// |     20 |     4 | padding                                                            |
/// |     24 |     8 | system identifier; from here on only on the first page of a segment|
/// |     32 |     4 | segment size                                                       |
/// |     36 |     4 | page size                                                          |
///
/// Info: 1 the page begins with the rest of a record, 2 long header (40 bytes instead of 24), 4
/// images may be left out, 8 the record that should go on here was abandoned.
/// (`access/xlog_internal.h`)
final class WalPageHeader {

  static final int SHORT = 24;
  static final int LONG = 40;

  private static final int CONTINUATION = 1;
  private static final int LONG_HEADER = 2;
  private static final int OVERWRITE = 8;
  private static final int KNOWN_INFO = 15;

  private final PgVersion version;
  private final WalSegments segments;
  private long systemId;
  private int tli;
  private int info;
  private int remaining;

  // A header that is cut by a chunk's end, as far as it has come.
  private final MemorySegment partial = MemorySegment.ofArray(new byte[LONG]);
  private int partialLength;

  WalPageHeader(PgVersion version, WalSegments segments) {
    this.version = version;
    this.segments = segments;
  }

  /// Bytes of the header of the page at this LSN.
  int length(long lsn) {
    return segments.offset(lsn) == 0 ? LONG : SHORT;
  }

  /// Gathers more of a header that is cut.
  ///
  /// @return the bytes taken
  int gather(MemorySegment bytes, long offset, int count) {
    MemorySegment.copy(bytes, offset, partial, partialLength, count);
    partialLength += count;
    return count;
  }

  /// How much has been gathered of a header that is not whole yet.
  int gathered() {
    return partialLength;
  }

  /// The gathered header, which is whole, and forgotten with this call.
  MemorySegment takeGathered() {
    partialLength = 0;
    return partial;
  }

  /// Whether there is nothing at `offset`, where a header should be.
  static boolean isZero(MemorySegment bytes, long offset) {
    return bytes.get(WalRecord.U64, offset) == 0 && bytes.get(WalRecord.U64, offset + 8) == 0;
  }

  /// Reads the header that is whole at `offset`.
  ///
  /// @param lsn where the page must be
  /// @throws WalException when it is not the header of that page of that log
  void read(MemorySegment bytes, long offset, long lsn) {
    int magic = bytes.get(WalRecord.U16, offset) & 0xFFFF;
    info = bytes.get(WalRecord.U16, offset + 2) & 0xFFFF;
    int pageTli = bytes.get(WalRecord.U32, offset + 4);
    long address = bytes.get(WalRecord.U64, offset + 8);
    remaining = bytes.get(WalRecord.U32, offset + 16);
    if (magic != version.walMagic()) {
      throw new WalException(
          lsn, "the page has magic number " + hex(magic) + ", not that of " + version);
    }
    boolean first = segments.offset(lsn) == 0;
    boolean isLong = (info & LONG_HEADER) != 0;
    if ((info & ~KNOWN_INFO) != 0 || isLong != first) {
      throw new WalException(lsn, "the page has invalid info bits " + hex(info));
    }
    if (address != lsn) {
      throw new WalException(lsn, "the page belongs at " + Lsn.format(address));
    }
    if (first) {
      readLong(bytes, offset, lsn);
    }
    if (pageTli == 0 || Integer.compareUnsigned(pageTli, tli) < 0) {
      throw new WalException(
          lsn,
          "the page is of PostgreSQL timeline "
              + Integer.toUnsignedString(pageTli)
              + " after "
              + Integer.toUnsignedString(tli));
    }
    tli = pageTli;
  }

  private void readLong(MemorySegment bytes, long offset, long lsn) {
    long id = bytes.get(WalRecord.U64, offset + 24);
    int segmentSize = bytes.get(WalRecord.U32, offset + 32);
    int pageSize = bytes.get(WalRecord.U32, offset + 36);
    if (systemId != 0 && id != systemId) {
      throw new WalException(
          lsn,
          "the segment is of the database system "
              + Long.toUnsignedString(id)
              + ", not of "
              + Long.toUnsignedString(systemId));
    }
    if (segmentSize != segments.size() || pageSize != WalSegments.PAGE_SIZE) {
      throw new WalException(
          lsn,
          "the segment has "
              + Integer.toUnsignedString(segmentSize)
              + " bytes in pages of "
              + Integer.toUnsignedString(pageSize)
              + ", not "
              + segments.size()
              + " in pages of "
              + WalSegments.PAGE_SIZE);
    }
    systemId = id;
  }

  private static String hex(int value) {
    return HexFormat.of().withUpperCase().toHexDigits((short) value);
  }

  /// Whether the page begins with the rest of a record.
  boolean continues() {
    return (info & CONTINUATION) != 0;
  }

  /// Whether the record that should go on here was abandoned by a server that had lost its rest.
  boolean abandons() {
    return (info & OVERWRITE) != 0;
  }

  /// Bytes left of the record that the page begins with, unsigned.
  long remaining() {
    return Integer.toUnsignedLong(remaining);
  }

  /// The PostgreSQL timeline of the newest page, 0 before the first.
  int tli() {
    return tli;
  }

  /// The database system's identifier, 0 while it is not known.
  long systemId() {
    return systemId;
  }

  /// The pages that follow are of this PostgreSQL timeline, or of one that has left it.
  void expectTli(int oldest) {
    tli = oldest;
  }

  void expectSystemId(long id) {
    systemId = id;
  }
}
