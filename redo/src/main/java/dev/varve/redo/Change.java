package dev.varve.redo;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import java.lang.foreign.MemorySegment;

/// What one WAL record does to one of its blocks: a flyweight over bytes that {@link ChangeWriter}
/// wrote, for the time of one {@link Redo#apply}.
///
/// The first byte says the kind. All numbers are little-endian and unsigned unless said otherwise.
///
/// | kind | what it is                | the bytes after the kind                                   |
/// |------|---------------------------|------------------------------------------------------------|
/// | 1    | a block of a record       | see below; read by this class                              |
/// | 2    | a full-page image         | rmgr u8, info u8, compression u8 ({@link dev.varve.postgres.wal.FullPageImage}), hole offset u16, hole length u16, the image to the end |
/// | 3    | visibility map bits to clear | bits u8, set LSN u8 (0/1), heap block u32, other heap block u32 or FFFFFFFF |
/// | 4    | visibility map cut        | first heap block that is gone, u32                         |
/// | 5    | a page of zeroes          | nothing                                                    |
/// | 6    | transactions' end states  | status u8 (1 committed, 2 aborted), xids u32 to the end    |
/// | 7    | multixact start offsets   | (multixact u32, offset u32) to the end                     |
/// | 8    | multixact members         | first offset u32, (xid u32, status u32) to the end         |
/// | 9    | commit timestamps         | time i64, replication origin u16, xids u32 to the end      |
/// | 10   | the image of a GiST page whose split is complete | as 2; redo then clears "follow right" and sets the NSN, which the image does not have yet |
///
/// A block of a record:
///
/// | bytes  | field                                                                             |
/// |--------|-----------------------------------------------------------------------------------|
/// | 0      | kind 1                                                                            |
/// | 1      | resource manager                                                                  |
/// | 2      | info byte of the record                                                           |
/// | 3      | id of this block in the record                                                    |
/// | 4      | flags: 1 redo initialises the page, 2 main data length is u32                     |
/// | 5      | n, how many other blocks follow                                                   |
/// | 6-9    | xid                                                                               |
/// | 10-    | main data length, u16 (or u32, flag 2)                                            |
/// | n × 6  | other blocks of the record: id u8, fork in the low 4 bits with 80 = of the same relation u8, block number u32 |
/// |        | main data                                                                         |
/// |        | this block's data, to the end                                                     |
///
/// This block's own relation, fork and number are not stored: the {@link Key} has them. Other
/// blocks that redo of this one never asks for are left out (see {@link ChangeWriter}).
///
/// One thread at a time; {@link Redo} keeps a few, so that redo allocates nothing.
final class Change {

  static final byte RECORD = 1;
  static final byte IMAGE = 2;
  static final byte CLEAR_VISIBILITY = 3;
  static final byte TRUNCATE_VISIBILITY = 4;
  static final byte ZERO_PAGE = 5;
  static final byte COMMIT_LOG = 6;
  static final byte MULTIXACT_OFFSETS = 7;
  static final byte MULTIXACT_MEMBERS = 8;
  static final byte COMMIT_TIMESTAMPS = 9;
  static final byte IMAGE_OF_SPLIT = 10;

  static final int FLAG_INITIALIZES = 1;
  static final int FLAG_LONG_MAIN = 2;
  static final int OTHER_BYTES = 6;
  static final int SAME_RELATION = 0x80;
  static final int HEADER_BYTES = 12;
  static final int IMAGE_HEADER_BYTES = 8;

  static final int XLOG = 0;
  static final int HEAP2 = 9;
  static final int HEAP = 10;
  static final int BTREE = 11;
  static final int HASH = 12;
  static final int GIN = 13;
  static final int GIST = 14;
  static final int SEQUENCE = 15;
  static final int SPGIST = 16;
  static final int BRIN = 17;
  static final int GENERIC = 20;

  private final PgVersion version;
  private final MemorySegment scratch = MemorySegment.ofArray(new byte[Page.SIZE]);

  private Key key = Key.MIN;
  private long lsn;
  private MemorySegment bytes = MemorySegment.NULL;
  private int rmgr;
  private int info;
  private int blockId;
  private int flags;
  private int others;
  private int xid;
  private int othersOffset;
  private int mainOffset;
  private int mainLength;
  private int dataOffset;
  private int dataLength;

  Change(PgVersion version) {
    this.version = version;
  }

  /// Makes this the change that `bytes` hold.
  ///
  /// @throws PageserverException.DataCorrupted when the lengths in it disagree
  void read(Key key, long lsn, MemorySegment bytes) {
    this.key = key;
    this.lsn = lsn;
    this.bytes = bytes;
    this.rmgr = 0;
    this.info = 0;
    long size = bytes.byteSize();
    if (size < HEADER_BYTES || size > Integer.MAX_VALUE) {
      throw damaged("it has " + size + " bytes");
    }
    rmgr = Byte.toUnsignedInt(bytes.get(JAVA_BYTE, 1));
    info = Byte.toUnsignedInt(bytes.get(JAVA_BYTE, 2));
    blockId = Byte.toUnsignedInt(bytes.get(JAVA_BYTE, 3));
    flags = Byte.toUnsignedInt(bytes.get(JAVA_BYTE, 4));
    others = Byte.toUnsignedInt(bytes.get(JAVA_BYTE, 5));
    xid = int32(bytes, 6);
    boolean longMain = (flags & FLAG_LONG_MAIN) != 0;
    othersOffset = longMain ? HEADER_BYTES + 2 : HEADER_BYTES;
    long mainStart = othersOffset + (long) others * OTHER_BYTES;
    if (mainStart > size) {
      throw damaged(others + " other blocks do not fit into its " + size + " bytes");
    }
    long length = longMain ? Integer.toUnsignedLong(int32(bytes, 10)) : uint16(bytes, 10);
    if (length > size - mainStart) {
      throw damaged("main data of " + length + " bytes does not fit into its " + size + " bytes");
    }
    mainOffset = (int) mainStart;
    mainLength = (int) length;
    dataOffset = mainOffset + mainLength;
    dataLength = (int) size - dataOffset;
  }

  /// Lets go of the borrowed bytes.
  void clear() {
    bytes = MemorySegment.NULL;
    key = Key.MIN;
  }

  PgVersion version() {
    return version;
  }

  /// End of the record.
  long lsn() {
    return lsn;
  }

  int rmgr() {
    return rmgr;
  }

  /// The whole info byte: the high four bits are the resource manager's.
  int info() {
    return info;
  }

  int xid() {
    return xid;
  }

  /// The id of this block in the record.
  int blockId() {
    return blockId;
  }

  /// Whether redo writes every byte of the page, whatever it was.
  boolean initializes() {
    return (flags & FLAG_INITIALIZES) != 0;
  }

  /// The number of this block, from the key.
  int block() {
    return key.block();
  }

  /// The fork of this block, from the key.
  int fork() {
    return key.fork();
  }

  /// Whether the record names a block with this id (this block counts), as far as redo of this
  /// block needs it.
  boolean hasBlock(int id) {
    return id == blockId || find(id) >= 0;
  }

  /// The number of the record's block with this id.
  ///
  /// @throws PageserverException.DataCorrupted when there is no such block, or it belongs to
  ///   another relation
  int blockNumber(int id) {
    if (id == blockId) {
      return block();
    }
    int at = find(id);
    if (at < 0) {
      throw corrupted("the record has no block " + id);
    }
    if ((bytes.get(JAVA_BYTE, at + 1L) & SAME_RELATION) == 0) {
      throw corrupted("block " + id + " belongs to another relation");
    }
    return int32(bytes, at + 2L);
  }

  private int find(int id) {
    for (int i = 0; i < others; i++) {
      int at = othersOffset + i * OTHER_BYTES;
      if (Byte.toUnsignedInt(bytes.get(JAVA_BYTE, at)) == id) {
        return at;
      }
    }
    return -1;
  }

  /// What {@link #mainOffset()} and {@link #dataOffset()} refer to.
  MemorySegment bytes() {
    return bytes;
  }

  int mainOffset() {
    return mainOffset;
  }

  int mainLength() {
    return mainLength;
  }

  int dataOffset() {
    return dataOffset;
  }

  int dataLength() {
    return dataLength;
  }

  /// @throws PageserverException.DataCorrupted when main data is shorter than `length`
  void requireMain(int length) {
    if (mainLength < length) {
      throw corrupted("its main data has " + mainLength + " bytes, not " + length);
    }
  }

  /// @throws PageserverException.DataCorrupted when this block's data is shorter than `length`
  void requireData(int length) {
    if (length < 0 || dataLength < length) {
      throw corrupted("the block's data has " + dataLength + " bytes, not " + length);
    }
  }

  int mainByte(int at) {
    requireMain(at + 1);
    return Byte.toUnsignedInt(bytes.get(JAVA_BYTE, mainOffset + (long) at));
  }

  int mainUint16(int at) {
    requireMain(at + 2);
    return uint16(bytes, mainOffset + (long) at);
  }

  int mainInt(int at) {
    requireMain(at + 4);
    return int32(bytes, mainOffset + (long) at);
  }

  int dataByte(int at) {
    requireData(at + 1);
    return Byte.toUnsignedInt(bytes.get(JAVA_BYTE, dataOffset + (long) at));
  }

  int dataUint16(int at) {
    requireData(at + 2);
    return uint16(bytes, dataOffset + (long) at);
  }

  int dataInt(int at) {
    requireData(at + 4);
    return int32(bytes, dataOffset + (long) at);
  }

  private static int uint16(MemorySegment bytes, long at) {
    return Short.toUnsignedInt(bytes.get(PgLayout.SHORT, at));
  }

  private static int int32(MemorySegment bytes, long at) {
    return bytes.get(PgLayout.INT, at);
  }

  /// A page's worth of bytes for redo to work in; what is in them at first is anything.
  MemorySegment scratch() {
    return scratch;
  }

  /// @throws PageserverException.DataCorrupted when this is another block of the record
  void requireBlock(int id) {
    if (blockId != id) {
      throw strangeBlock();
    }
  }

  /// Records of this type never name such a block.
  PageserverException.DataCorrupted strangeBlock() {
    return corrupted("such a record has no block " + blockId);
  }

  /// The record and the page do not fit together.
  PageserverException.DataCorrupted corrupted(String finding) {
    return new PageserverException.DataCorrupted(
        recordName() + " does not fit " + Redo.name(key) + ", which it changes: " + finding);
  }

  /// No redo for this type of record yet.
  PageserverException.Unsupported unsupported() {
    return new PageserverException.Unsupported(
        "redo does not know "
            + recordName()
            + (rmgr < ResourceManager.CUSTOM.id()
                ? " yet; "
                : ", whose resource manager is an extension's; ")
            + Redo.name(key)
            + " is whole again from its next full-page image");
  }

  private PageserverException.DataCorrupted damaged(String finding) {
    return Redo.damaged(key, lsn, finding);
  }

  private String recordName() {
    String name =
        ResourceManager.isValid(version, rmgr)
            ? RecordType.fullName(version, rmgr, info)
            : "the record of resource manager " + rmgr;
    return name + " at " + Lsn.format(lsn);
  }
}
