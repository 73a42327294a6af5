package dev.varve.postgres.wal;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// Makes records of a stream of WAL bytes, in whatever chunks they come.
///
/// Every page header, every link from record to record and every CRC is checked; what is handed on
/// is what PostgreSQL itself would replay. A record that lies whole within a page and a chunk is
/// decoded where it is; any other is gathered first, in a buffer that grows only with the bytes
/// that have come. Nothing is allocated per record.
///
/// No more than {@link #holdAtMost} bytes are gathered. Of a large logical message, which means
/// something to its readers alone, only the beginning is kept and the rest is checked as it passes:
/// its main data are not in the record's bytes.
///
/// A record that a server began, but lost the rest of in a crash, is dropped where the log says so
/// (info bit 8 of a page header): the record handed on next then begins after {@link
/// #lastRecordEnd()}. After an `XLOG_SWITCH` the rest of the segment is skipped unread.
///
/// Zero bytes where a record or a page must begin are the end of the log: see {@link #ended()}.
///
/// After any exception the decoder is of no more use. Not thread-safe.
public final class WalDecoder {

  private static final int PAGE_MASK = WalSegments.PAGE_SIZE - 1;
  private static final int LENGTH_FIELD = 4;

  /// Logical messages are kept up to this length.
  static final int LARGE_MESSAGE = 1 << 20;

  private final WalSegments segments;
  private final WalPageHeader page;
  private final RecordCheck check;
  private final WalRecord record;
  private final PageBytes pageBytes = new PageBytes();
  private final RecordBuffer gathered = new RecordBuffer();

  private long position;
  private long skipTo;
  private long recordStart;
  private int recordTotal;
  private long lastRecordEnd;
  private long continuationLeft;
  private int most = Integer.MAX_VALUE;
  private boolean searching;
  private boolean ended;
  private boolean unusable;

  /// @param segmentSize bytes of a segment file of this log
  /// @param startLsn of the first byte that will be fed: where a record begins, or a page boundary
  ///   at which no record goes on
  /// @throws IllegalArgumentException when no record can begin there, or the size is not legal
  public WalDecoder(PgVersion version, int segmentSize, long startLsn) {
    this.segments = new WalSegments(segmentSize);
    this.page = new WalPageHeader(version, segments);
    this.check = new RecordCheck(version);
    this.record = new WalRecord(version);
    int inPage = (int) startLsn & PAGE_MASK;
    if (startLsn % 8 != 0 || (inPage != 0 && inPage < page.length(startLsn - inPage))) {
      throw new IllegalArgumentException("no WAL record can begin at " + Lsn.format(startLsn));
    }
    this.position = startLsn;
    this.skipTo = startLsn;
    this.recordStart = startLsn;
    this.lastRecordEnd = startLsn;
  }

  /// A decoder that begins at a page boundary and skips what is there of a record that began
  /// earlier, as one must who has only the later segments of a log.
  public static WalDecoder fromPage(PgVersion version, int segmentSize, long startLsn) {
    if ((startLsn & PAGE_MASK) != 0) {
      throw new IllegalArgumentException("no WAL page begins at " + Lsn.format(startLsn));
    }
    var decoder = new WalDecoder(version, segmentSize, startLsn);
    decoder.searching = true;
    return decoder;
  }

  /// A decoder for a log of which these bytes begin a segment: version, segment size and LSN are
  /// read from the page header there. Feed it the same bytes from `offset` on.
  ///
  /// @throws WalException when no segment of a supported version begins there
  public static WalDecoder ofSegment(MemorySegment bytes, long offset) {
    if (bytes.byteSize() - offset < WalPageHeader.LONG) {
      throw new WalException(0, "the file is too short for the header of a WAL segment");
    }
    long lsn = bytes.get(WalRecord.U64, offset + 8);
    int size = bytes.get(WalRecord.U32, offset + 32);
    try {
      var version = PgVersion.ofWalMagic(bytes.get(WalRecord.U16, offset) & 0xFFFF);
      var decoder = fromPage(version, size, lsn);
      decoder.page.read(bytes, offset, lsn);
      return decoder;
    } catch (IllegalArgumentException e) {
      throw new WalException(lsn, "no WAL segment begins here: " + e.getMessage());
    }
  }

  /// From now on, refuses segments of another database system. Without this call, the first segment
  /// decides.
  public WalDecoder expectSystemId(long systemId) {
    page.expectSystemId(systemId);
    return this;
  }

  /// From now on, refuses pages of an older PostgreSQL timeline.
  public WalDecoder expectTli(int tli) {
    page.expectTli(tli);
    return this;
  }

  /// From now on, refuses records that would take more memory.
  public WalDecoder holdAtMost(int bytes) {
    most = bytes;
    return this;
  }

  /// Takes the next bytes of the log: they go on exactly where those of the last call ended. Gives
  /// the handler every record that is complete by then.
  ///
  /// @throws RecordTooLargeException for a record that there is no room for
  /// @throws WalException when the bytes can't be this log's, or follow its end
  public void feed(MemorySegment bytes, long offset, long length, RecordHandler handler) {
    Objects.checkFromIndexSize(offset, length, bytes.byteSize());
    if (unusable) {
      throw new IllegalStateException("this decoder has already failed");
    }
    if (ended && length > 0) {
      throw new WalException(position, "the log ended here with zero bytes, yet more bytes follow");
    }
    unusable = true;
    pageBytes.chunk(bytes);
    take(bytes, offset, offset + length, handler);
    pageBytes.forget();
    unusable = false;
  }

  private void take(MemorySegment bytes, long from, long end, RecordHandler handler) {
    long at = from;
    while (at < end && !ended) {
      int taken;
      if (position < skipTo) {
        taken = (int) Math.min(skipTo - position, end - at);
      } else if (page.gathered() > 0 || (position & PAGE_MASK) == 0) {
        taken = takePageHeader(bytes, at, end - at);
      } else {
        int there = (int) Math.min(end - at, WalSegments.PAGE_SIZE - (position & PAGE_MASK));
        if (continuationLeft > 0) {
          taken = skipContinuation(there);
        } else if (gathered.isEmpty()) {
          taken = takeRecords(bytes, at, there, handler);
        } else {
          taken = gather(bytes, at, there, handler);
        }
      }
      at += taken;
      position += ended ? 0 : taken;
    }
  }

  /// Takes a page header, or as much as is there of one.
  private int takePageHeader(MemorySegment bytes, long at, long there) {
    long lsn = position & ~(long) PAGE_MASK;
    int length = page.length(lsn);
    if (page.gathered() == 0 && there >= length) {
      beginPage(bytes, at, lsn);
      return length;
    }
    int taken = page.gather(bytes, at, (int) Math.min(length - page.gathered(), there));
    if (page.gathered() == length) {
      beginPage(page.takeGathered(), 0, lsn);
    }
    return taken;
  }

  private void beginPage(MemorySegment bytes, long at, long lsn) {
    boolean open = !gathered.isEmpty() || continuationLeft > 0;
    if (!open && WalPageHeader.isZero(bytes, at)) {
      endAt(lsn);
      return;
    }
    page.read(bytes, at, lsn);
    if (open && page.abandons()) {
      if (!gathered.isEmpty()) {
        check.abandoned(recordStart);
      }
      gathered.clear();
      continuationLeft = 0;
      open = false;
    }
    if (open) {
      long left = gathered.isEmpty() ? continuationLeft : recordTotal - gathered.length();
      if (!page.continues() || page.remaining() != left) {
        throw new WalException(
            gathered.isEmpty() ? lsn : recordStart,
            "the record has "
                + left
                + " bytes on from "
                + Lsn.format(lsn)
                + ", but the page there "
                + (page.continues() ? "says " + page.remaining() : "begins with another"));
      }
    } else if (page.continues()) {
      if (!searching || page.remaining() == 0) {
        throw new WalException(lsn, "the page begins with the rest of a record that did not begin");
      }
      continuationLeft = page.remaining();
    }
    searching = continuationLeft > 0;
  }

  private int skipContinuation(int there) {
    int taken = (int) Math.min(continuationLeft, there);
    continuationLeft -= taken;
    if (continuationLeft == 0) {
      searching = false;
      skipTo = alignUp(position + taken);
    }
    return taken;
  }

  /// Takes whole records where they are, and what is there of the last one to the buffer.
  ///
  /// @param there bytes at `at` that are in the chunk and on one page
  private int takeRecords(MemorySegment bytes, long at, int there, RecordHandler handler) {
    int index = pageBytes.show(at, there);
    byte[] array = pageBytes.array();
    int done = 0;
    while (done < there) {
      int left = there - done;
      recordStart = position + done;
      recordTotal = left < LENGTH_FIELD ? 0 : (int) PageBytes.U32.get(array, index + done);
      if (left >= LENGTH_FIELD) {
        if (recordTotal == 0) {
          endAt(recordStart);
          return there;
        }
        check.length(recordTotal, recordStart);
      }
      if (left >= WalRecord.HEADER_LENGTH) {
        record.parseHeader(bytes, at + done, array, index + done, recordStart);
        check.header(record);
      }
      if (left < LENGTH_FIELD || recordTotal > left) {
        gathered.append(bytes, at + done, left);
        if (left >= WalRecord.HEADER_LENGTH) {
          makeRoom();
        }
        return there;
      }
      check.crc(record, array, index + done);
      deliver(array, index + done, recordStart + recordTotal, handler);
      if (lastRecordEnd - position > there) {
        skipTo = lastRecordEnd;
        return there;
      }
      done = (int) (lastRecordEnd - position);
    }
    return done;
  }

  /// Takes more of the record in the buffer; hands it on when it is whole.
  private int gather(MemorySegment bytes, long at, int there, RecordHandler handler) {
    int taken = 0;
    if (recordTotal == 0) {
      taken = gatherUpTo(LENGTH_FIELD, bytes, at, there);
      if (gathered.length() < LENGTH_FIELD) {
        return taken;
      }
      recordTotal = gathered.bytes().get(WalRecord.U32, 0);
      if (recordTotal == 0) {
        gathered.clear();
        endAt(recordStart);
        return there;
      }
      check.length(recordTotal, recordStart);
    }
    if (gathered.length() < WalRecord.HEADER_LENGTH) {
      taken += gatherUpTo(WalRecord.HEADER_LENGTH, bytes, at + taken, there - taken);
      if (gathered.length() < WalRecord.HEADER_LENGTH) {
        return taken;
      }
      record.parseHeader(gathered.bytes(), 0, gathered.array(), 0, recordStart);
      check.header(record);
      makeRoom();
    }
    taken += gatherUpTo(recordTotal, bytes, at + taken, there - taken);
    if (gathered.length() == recordTotal) {
      // Again, because the buffer may have been replaced by a larger one.
      record.parseHeader(gathered.bytes(), 0, gathered.array(), 0, recordStart);
      check.crc(record, gathered);
      deliver(gathered.array(), 0, position + taken, handler);
      gathered.clear();
      skipTo = lastRecordEnd;
    }
    return taken;
  }

  /// Decides how much is kept of a record that is gathered, as soon as its header is known.
  private void makeRoom() {
    if (record.rmgr() == ResourceManager.LOGICAL_MESSAGE.id() && recordTotal > LARGE_MESSAGE) {
      gathered.pass(WalRecord.HEADER_LENGTH);
    } else if (recordTotal > most) {
      throw new RecordTooLargeException(recordStart, recordTotal, most);
    }
  }

  private int gatherUpTo(int length, MemorySegment bytes, long at, int there) {
    int count = Math.min(length - gathered.length(), there);
    gathered.append(bytes, at, count);
    return count;
  }

  /// Hands on the record of which the header is parsed and all is checked.
  private void deliver(byte[] array, int index, long endOfBytes, RecordHandler handler) {
    long end = alignUp(endOfBytes);
    int type = record.info() & RecordType.MASK;
    boolean ofXlog = record.rmgr() == ResourceManager.XLOG.id();
    if (ofXlog && type == RecordType.XLOG_SWITCH) {
      end = segments.startOf(end + segments.size() - 1);
    }
    record.parsePieces(array, index, end);
    if (ofXlog && type == RecordType.XLOG_OVERWRITE_CONTRECORD) {
      check.abandonment(record);
    }
    handler.record(record);
    check.passed(recordStart);
    lastRecordEnd = end;
  }

  private static long alignUp(long lsn) {
    return (lsn + 7) & -8L;
  }

  private void endAt(long lsn) {
    ended = true;
    position = lsn;
  }

  /// Says that the log is complete as it was fed.
  ///
  /// @throws WalException naming where it begins, when the last record or page header is not whole
  public void finish() {
    if (!gathered.isEmpty()) {
      throw new WalException(
          recordStart, "the log ends within a record, at " + Lsn.format(position));
    }
    if (page.gathered() > 0 || continuationLeft > 0) {
      throw new WalException(position, "the log ends within a page header or record");
    }
  }

  /// The LSN of the next byte expected; once the log has ended, of its end.
  public long position() {
    return position;
  }

  /// Where the newest whole record ends, and the next begins; the start LSN before the first.
  public long lastRecordEnd() {
    return lastRecordEnd;
  }

  /// Whether zero bytes were found where a record or a page must begin. What followed them in that
  /// chunk was not read, and nothing more can be fed.
  public boolean ended() {
    return ended;
  }

  public PgVersion version() {
    return record.version();
  }

  public WalSegments segments() {
    return segments;
  }

  /// The PostgreSQL timeline of the newest page, or what was {@linkplain #expectTli expected}
  /// since; 0 before both.
  public int tli() {
    return page.tli();
  }

  /// The database system's identifier, 0 while no segment's header has told it.
  public long systemId() {
    return page.systemId();
  }
}
