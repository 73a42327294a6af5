package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.Lsn;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalSegments;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/// A WAL segment that holds one record: the checkpoint of a clean shutdown, from which a server
/// starts without replaying anything.
///
/// The record begins at the checkpoint's own redo location, as it must:
///
/// | bytes  | field                                                                            |
/// |--------|----------------------------------------------------------------------------------|
/// | 0-3    | length, 114                                                                      |
/// | 4-7    | transaction id, 0                                                                |
/// | 8-15   | where the record before begins                                                   |
/// | 16-17  | type `00`, resource manager 0 (XLOG); 18-19 padding                              |
/// | 20-23  | CRC-32C of bytes 24-113, then of bytes 0-19                                      |
/// | 24-25  | `FF`, 88: main data of that length                                               |
/// | 26-113 | {@link CheckPoint}                                                               |
///
/// The pages before it have headers that say that a record from before the segment goes on until
/// the checkpoint begins, and are zero otherwise: so whoever reads the segment from its start finds
/// the checkpoint. The rest of its page, and all pages after it, are zero, where a server goes on
/// writing.
///
/// PostgreSQL's `access/xlogrecord.h` and `access/xlog_internal.h`. Immutable; for any thread.
public final class CheckpointSegment {

  /// The length of the record.
  public static final int RECORD_BYTES = 114;

  private static final int PAGE = WalSegments.PAGE_SIZE;
  private static final int SHORT_HEADER = 24;
  private static final int LONG_HEADER = 40;
  private static final int RECORD_HEADER = 24;
  private static final int CRC_AT = 20;
  private static final int CONTINUES = 1;
  private static final int HAS_LONG_HEADER = 2;

  private final CheckPoint checkPoint;
  private final long systemIdentifier;
  private final WalSegments segments;
  private final long previousLsn;

  /// @param checkPoint its redo location is where the record begins; its PostgreSQL timeline is the
  ///   segment's. Copied.
  /// @param previousLsn where the record before begins; 0 if that is not known
  /// @throws IllegalArgumentException if no record can be {@linkplain #place placed} there, or the
  ///   record before would not be before
  public CheckpointSegment(
      CheckPoint checkPoint, long systemIdentifier, WalSegments segments, long previousLsn) {
    this.checkPoint = checkPoint.copy();
    this.systemIdentifier = systemIdentifier;
    this.segments = segments;
    this.previousLsn = previousLsn;
    if (place(lsn(), segments) != lsn()) {
      throw new IllegalArgumentException(
          "no checkpoint can begin at " + Lsn.format(lsn()) + " and lie on one page");
    }
    if (Long.compareUnsigned(previousLsn, lsn()) >= 0) {
      throw new IllegalArgumentException(
          "the record at %s can't be before %s"
              .formatted(Lsn.format(previousLsn), Lsn.format(lsn())));
    }
  }

  /// The first LSN at or after `lsn` at which the record can begin and end on the same page.
  public static long place(long lsn, WalSegments segments) {
    long begin = (lsn + 7) & -8L;
    int header = headerSize(begin & -PAGE, segments);
    int onPage = (int) (begin & (PAGE - 1));
    if (onPage < header) {
      return (begin & -PAGE) + header;
    }
    if (onPage + RECORD_BYTES <= PAGE) {
      return begin;
    }
    long next = (begin & -PAGE) + PAGE;
    return next + headerSize(next, segments);
  }

  private static int headerSize(long page, WalSegments segments) {
    return segments.offset(page) == 0 ? LONG_HEADER : SHORT_HEADER;
  }

  private long lsn() {
    return checkPoint.redo();
  }

  /// Where the next record will begin.
  public long endLsn() {
    return (lsn() + RECORD_BYTES + 7) & -8L;
  }

  /// The segment's file name.
  public SegmentName name() {
    return segments.nameOf(checkPoint.tli(), lsn());
  }

  /// How many pages the segment has.
  public int pages() {
    return segments.size() / PAGE;
  }

  /// Writes page `index` of the segment, {@link WalSegments#PAGE_SIZE} bytes.
  public void page(int index, MemorySegment target) {
    target.asSlice(0, PAGE).fill((byte) 0);
    long address = segments.startOf(lsn()) + (long) index * PAGE;
    if (Long.compareUnsigned(address, lsn()) > 0) {
      return;
    }
    long rest = rest(index);
    int info = (rest > 0 ? CONTINUES : 0) | (index == 0 ? HAS_LONG_HEADER : 0);
    target.set(SHORT, 0, (short) checkPoint.version().walMagic());
    target.set(SHORT, 2, (short) info);
    target.set(INT, 4, checkPoint.tli());
    target.set(LONG, 8, address);
    target.set(INT, 16, (int) rest);
    if (index == 0) {
      target.set(LONG, 24, systemIdentifier);
      target.set(INT, 32, segments.size());
      target.set(INT, 36, PAGE);
    }
    if (lsn() - address < PAGE) {
      record(target.asSlice(lsn() - address, RECORD_BYTES));
    }
  }

  /// The bytes from page `index` on, page headers left out, that lie before the record.
  private long rest(int index) {
    int offset = segments.offset(lsn());
    int lastPage = offset / PAGE;
    int onLastPage = offset % PAGE - (lastPage == 0 ? LONG_HEADER : SHORT_HEADER);
    if (index == lastPage) {
      return onLastPage;
    }
    int first = PAGE - (index == 0 ? LONG_HEADER : SHORT_HEADER);
    return first + (lastPage - index - 1L) * (PAGE - SHORT_HEADER) + onLastPage;
  }

  private void record(MemorySegment target) {
    target.set(INT, 0, RECORD_BYTES);
    target.set(LONG, 8, previousLsn);
    target.set(BYTE, RECORD_HEADER, (byte) 0xFF);
    target.set(BYTE, RECORD_HEADER + 1, (byte) CheckPoint.BYTES);
    checkPoint.write(target, RECORD_HEADER + 2);
    var crc = new CRC32C();
    crc.update(target.asSlice(RECORD_HEADER).asByteBuffer());
    crc.update(target.asSlice(0, CRC_AT).asByteBuffer());
    target.set(INT, CRC_AT, (int) crc.getValue());
  }

  /// The whole segment.
  public byte[] toBytes() {
    byte[] bytes = new byte[segments.size()];
    for (int i = 0; i < pages(); i++) {
      page(i, MemorySegment.ofArray(bytes).asSlice((long) i * PAGE, PAGE));
    }
    return bytes;
  }
}
