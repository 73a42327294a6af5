package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
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

  // Used while parsing. The next unread byte is not a field but an argument and result: it is
  // faster.
  private byte[] bytes = {};
  private int end;
  private long lsn;

  RecordPieces(PgVersion version) {
    this.compressionFlags = FullPageImage.compressionFlags(version);
  }

  /// Parses the pieces of the record of `length` bytes whose header begins at `start`.
  ///
  /// @throws WalException naming `lsn` when a piece can't be right
  void parse(byte[] bytes, int start, int length, long lsn) {
    this.bytes = bytes;
    this.end = start + length;
    this.lsn = lsn;
    blockCount = 0;
    origin = 0;
    topLevelXid = 0;
    mainDataLength = 0;
    place(readPieces(start + WalRecord.HEADER_LENGTH) - start);
  }

  /// Reads the pieces from `from` on.
  ///
  /// @return where the payload begins, which is as long as they announce
  private int readPieces(int from) {
    int at = from;
    long announced = 0;
    int lastId = -1;
    while (end - at > announced) {
      int id = bytes[at] & 0xFF;
      if (id <= MAX_BLOCK_ID) {
        if (id <= lastId) {
          throw invalid("out-of-order block reference " + id);
        }
        lastId = id;
        int row = blockCount * ROW;
        at = readBlock(at, row);
        announced += rows[row + IMAGE_LENGTH] + rows[row + DATA_LENGTH];
      } else if (id == SHORT_DATA) {
        mainDataLength = bytes[need(at + 1, 1)] & 0xFF;
        announced += mainDataLength;
        at += 2;
        break;
      } else if (id == LONG_DATA) {
        mainDataLength = (int) PageBytes.U32.get(bytes, need(at + 1, 4));
        announced += Integer.toUnsignedLong(mainDataLength);
        at += 5;
        break;
      } else if (id == ORIGIN) {
        origin = (short) PageBytes.U16.get(bytes, need(at + 1, 2)) & 0xFFFF;
        at += 3;
      } else if (id == TOP_LEVEL_XID) {
        topLevelXid = (int) PageBytes.U32.get(bytes, need(at + 1, 4));
        at += 5;
      } else {
        throw invalid("invalid piece " + id + " in the record's header");
      }
    }
    if (end - at != announced) {
      throw invalid(
          "the record announces " + announced + " bytes of payload, but has " + (end - at));
    }
    return at;
  }

  /// Reads one block reference into a row.
  ///
  /// @return where the next piece begins
  private int readBlock(int from, int row) {
    int at = from + 4;
    int word = (int) PageBytes.U32.get(bytes, need(from, 4));
    int id = word & 0xFF;
    int flags = word >>> 8 & 0xFF;
    int dataLength = word >>> 16;
    rows[row + ID] = id;
    rows[row + FLAGS] = flags;
    rows[row + DATA_LENGTH] = dataLength;
    if ((flags & HAS_DATA) != 0 ? dataLength == 0 : dataLength != 0) {
      throw invalid("block " + id + " has " + dataLength + " bytes of data against its flags");
    }
    if ((flags & FORK_MASK) > LAST_FORK) {
      throw invalid("block " + id + " is in fork " + (flags & FORK_MASK));
    }
    if ((flags & HAS_IMAGE) != 0) {
      at = readImage(at, row);
    } else {
      rows[row + IMAGE_LENGTH] = 0;
      rows[row + HOLE_OFFSET] = 0;
      rows[row + HOLE_LENGTH] = 0;
      rows[row + IMAGE_FLAGS] = 0;
    }
    if ((flags & SAME_RELATION) == 0) {
      need(at, 16);
      rows[row + TABLESPACE] = (int) PageBytes.U32.get(bytes, at);
      rows[row + DATABASE] = (int) PageBytes.U32.get(bytes, at + 4);
      rows[row + RELATION] = (int) PageBytes.U32.get(bytes, at + 8);
      at += 12;
    } else if (row == 0) {
      throw invalid("block " + id + " is of the relation before it, but there is none");
    } else {
      need(at, 4);
      rows[row + TABLESPACE] = rows[row - ROW + TABLESPACE];
      rows[row + DATABASE] = rows[row - ROW + DATABASE];
      rows[row + RELATION] = rows[row - ROW + RELATION];
    }
    rows[row + BLOCK] = (int) PageBytes.U32.get(bytes, at);
    blockCount++;
    return at + 4;
  }

  /// Reads the header of an image into a row.
  ///
  /// @return where the block reference goes on
  private int readImage(int at, int row) {
    need(at, 5);
    int length = (short) PageBytes.U16.get(bytes, at) & 0xFFFF;
    int holeOffset = (short) PageBytes.U16.get(bytes, at + 2) & 0xFFFF;
    int flags = bytes[at + 4] & 0xFF;
    boolean hole = (flags & HAS_HOLE) != 0;
    boolean compressed = (flags & compressionFlags) != 0;
    int next = at + 5;
    int holeLength = compressed ? 0 : FullPageImage.PAGE_SIZE - length;
    if (compressed && hole) {
      holeLength = (short) PageBytes.U16.get(bytes, need(next, 2)) & 0xFFFF;
      next += 2;
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
    return next;
  }

  /// Notes where each payload is, now that their sum is known to be what there is.
  private void place(int payload) {
    int at = payload;
    for (int row = 0; row < blockCount * ROW; row += ROW) {
      rows[row + IMAGE_OFFSET] = at;
      at += rows[row + IMAGE_LENGTH];
      rows[row + DATA_OFFSET] = at;
      at += rows[row + DATA_LENGTH];
    }
  }

  /// Makes sure that there are `count` bytes at `at` of this record.
  ///
  /// @return `at`
  private int need(int at, int count) {
    if (count > end - at) {
      throw invalid("the record ends within its header");
    }
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
