package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;

/// The pieces of one record after its header, parsed: a table of numbers with a row for each block
/// reference, reused for every record. The layout, and what the flags mean, stand at {@link
/// WalRecord}; the checks are those that make PostgreSQL call a record invalid
/// (`access/transam/xlogreader.c`), and some that it leaves to chance.
final class RecordPieces {

  private static final int MAX_BLOCK_ID = 32;
  private static final int LAST_FORK = 3;
  private static final int TOP_LEVEL_XID = 252;
  private static final int ORIGIN = 253;
  private static final int LONG_DATA = 254;
  private static final int SHORT_DATA = 255;

  static final int FORK_MASK = 0x0F;
  static final int HAS_IMAGE = 0x10;
  static final int HAS_DATA = 0x20;
  static final int WILL_INIT = 0x40;
  private static final int SAME_RELATION = 0x80;
  private static final int HAS_HOLE = 0x01;

  // The columns; offsets are from the start of the record.
  static final int ID = 0;
  static final int FLAGS = 1;
  static final int TABLESPACE = 2;
  static final int DATABASE = 3;
  static final int RELATION = 4;
  static final int BLOCK = 5;
  static final int DATA_LENGTH = 6;
  static final int DATA_OFFSET = 7;
  static final int IMAGE_LENGTH = 8;
  static final int IMAGE_OFFSET = 9;
  static final int HOLE_OFFSET = 10;
  static final int HOLE_LENGTH = 11;
  static final int IMAGE_FLAGS = 12;
  private static final int ROW = 16;

  private final int compressionFlags;
  private final int[] rows = new int[(MAX_BLOCK_ID + 1) * ROW];

  private int blockCount;
  private int origin;
  private int topLevelXid;
  private int mainDataLength;

  // Used while parsing: where the record is, its next unread byte, its end and its LSN.
  private MemorySegment bytes = MemorySegment.NULL;
  private long start;
  private int next;
  private int end;
  private long lsn;

  RecordPieces(PgVersion version) {
    this.compressionFlags = FullPageImage.compressionFlags(version);
  }

  /// Parses the pieces of the record of `length` bytes whose header begins at `start`.
  ///
  /// @throws WalException naming `lsn` when a piece can't be right
  void parse(MemorySegment bytes, long start, int length, long lsn) {
    this.bytes = bytes;
    this.start = start;
    this.lsn = lsn;
    blockCount = 0;
    origin = 0;
    topLevelXid = 0;
    mainDataLength = 0;
    next = WalRecord.HEADER_LENGTH;
    end = length;
    place(readPieces());
  }

  /// Reads the pieces.
  ///
  /// @return the bytes of payload that they announce
  private int readPieces() {
    long announced = 0;
    int lastId = -1;
    while (end - next > announced) {
      int id = u8();
      if (id <= MAX_BLOCK_ID) {
        if (id <= lastId) {
          throw invalid("out-of-order block reference " + id);
        }
        lastId = id;
        announced += readBlock(id);
      } else if (id == SHORT_DATA || id == LONG_DATA) {
        mainDataLength = id == SHORT_DATA ? u8() : u32();
        announced += Integer.toUnsignedLong(mainDataLength);
        break;
      } else if (id == ORIGIN) {
        origin = u16();
      } else if (id == TOP_LEVEL_XID) {
        topLevelXid = u32();
      } else {
        throw invalid("invalid piece " + id + " in the record's header");
      }
    }
    if (end - next != announced) {
      throw invalid(
          "the record announces " + announced + " bytes of payload, but has " + (end - next));
    }
    return (int) announced;
  }

  /// Reads one block reference.
  ///
  /// @return the bytes of payload that it announces: image and data
  private int readBlock(int id) {
    int row = blockCount * ROW;
    int flags = u8();
    int dataLength = u16();
    rows[row + ID] = id;
    rows[row + FLAGS] = flags;
    rows[row + DATA_LENGTH] = dataLength;
    boolean hasData = (flags & HAS_DATA) != 0;
    if (hasData != (dataLength > 0)) {
      throw invalid("block " + id + " has " + dataLength + " bytes of data against its flags");
    }
    if ((flags & FORK_MASK) > LAST_FORK) {
      throw invalid("block " + id + " is in fork " + (flags & FORK_MASK));
    }
    int imageLength = 0;
    if ((flags & HAS_IMAGE) != 0) {
      imageLength = readImage(row);
    } else {
      Arrays.fill(rows, row + IMAGE_LENGTH, row + IMAGE_FLAGS + 1, 0);
    }
    if ((flags & SAME_RELATION) == 0) {
      rows[row + TABLESPACE] = u32();
      rows[row + DATABASE] = u32();
      rows[row + RELATION] = u32();
    } else if (blockCount == 0) {
      throw invalid("block " + id + " is of the relation before it, but there is none");
    } else {
      rows[row + TABLESPACE] = rows[row - ROW + TABLESPACE];
      rows[row + DATABASE] = rows[row - ROW + DATABASE];
      rows[row + RELATION] = rows[row - ROW + RELATION];
    }
    rows[row + BLOCK] = u32();
    blockCount++;
    return imageLength + dataLength;
  }

  private int readImage(int row) {
    int length = u16();
    int holeOffset = u16();
    int flags = u8();
    boolean hole = (flags & HAS_HOLE) != 0;
    boolean compressed = (flags & compressionFlags) != 0;
    int holeLength;
    if (compressed) {
      holeLength = hole ? u16() : 0;
    } else {
      holeLength = FullPageImage.PAGE_SIZE - length;
    }
    rows[row + IMAGE_LENGTH] = length;
    rows[row + HOLE_OFFSET] = holeOffset;
    rows[row + HOLE_LENGTH] = holeLength;
    rows[row + IMAGE_FLAGS] = flags;
    boolean holeAgrees =
        hole
            ? holeOffset > 0 && holeLength > 0 && holeOffset + holeLength <= FullPageImage.PAGE_SIZE
            : holeOffset == 0 && holeLength == 0;
    boolean lengthAgrees =
        (compressed || hole) ? length < FullPageImage.PAGE_SIZE : length == FullPageImage.PAGE_SIZE;
    if (!holeAgrees || !lengthAgrees) {
      throw invalid(
          String.format(
              Locale.ROOT,
              "block %d has an image of %d bytes, flags %02X, with a hole of %d at %d",
              rows[row + ID],
              length,
              flags,
              holeLength,
              holeOffset));
    }
    return length;
  }

  /// Notes where each payload is, now that their sum is known to be what there is.
  private void place(int announced) {
    int at = end - announced;
    for (int row = 0; row < blockCount * ROW; row += ROW) {
      rows[row + IMAGE_OFFSET] = at;
      at += rows[row + IMAGE_LENGTH];
      rows[row + DATA_OFFSET] = at;
      at += rows[row + DATA_LENGTH];
    }
  }

  private int u8() {
    return bytes.get(JAVA_BYTE, take(1)) & 0xFF;
  }

  private int u16() {
    return bytes.get(WalRecord.U16, take(2)) & 0xFFFF;
  }

  private int u32() {
    return bytes.get(WalRecord.U32, take(4));
  }

  private long take(int count) {
    if (count > end - next) {
      throw invalid("the record ends within its header");
    }
    long at = start + next;
    next += count;
    return at;
  }

  private WalException invalid(String finding) {
    return new WalException(lsn, finding);
  }

  int blockCount() {
    return blockCount;
  }

  int origin() {
    return origin;
  }

  int topLevelXid() {
    return topLevelXid;
  }

  int mainDataLength() {
    return mainDataLength;
  }

  /// @return the row of the reference with this id, or -1
  int find(int id) {
    for (int i = 0; i < blockCount; i++) {
      if (rows[i * ROW + ID] == id) {
        return i;
      }
    }
    return -1;
  }

  int at(int i, int column) {
    if (i >= blockCount) {
      throw new IndexOutOfBoundsException(
          "block reference " + i + " of a record that has " + blockCount);
    }
    return rows[i * ROW + column];
  }
}
