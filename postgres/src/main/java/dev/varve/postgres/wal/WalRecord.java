package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// One record of the log: a flyweight over borrowed bytes that is reused for every record. Nothing
/// is allocated per record. Not thread-safe.
///
/// Header, 24 bytes, little-endian (`access/xlogrecord.h`):
///
/// | offset | bytes | field                                                                    |
/// |-------:|------:|--------------------------------------------------------------------------|
/// |      0 |     4 | total length, this header included                                       |
/// |      4 |     4 | transaction id                                                           |
/// |      8 |     8 | where the previous record begins                                         |
/// |     16 |     1 | info: the high four bits belong to the resource manager                  |
/// |     17 |     1 | resource manager                                                         |
/// |     18 |     2 | padding                                                                  |
/// |     20 |     4 | CRC-32C of all that follows the header, then of the header up to here    |
///
/// Then pieces, unaligned, until what remains is as long as the payloads announced so far:
///
/// | first byte | piece                                                                         |
/// |-----------:|-------------------------------------------------------------------------------|
/// |       0–32 | block reference: fork and flags u8, data length u16, [image header], [relation 3 × u32], block u32 |
/// |        252 | top-level transaction id u32                                                  |
/// |        253 | replication origin u16                                                        |
/// |        254 | main data, length u32; the last piece                                         |
/// |        255 | main data, length u8; the last piece                                          |
///
/// Then the payloads: for each block reference its image, then its data; main data at the end.
///
/// Fork and flags: low four bits the fork (0 main, 1 fsm, 2 vm, 3 init); `10` has an image, `20`
/// has data, `40` redo initializes the page, `80` same relation as the reference before. Image
/// header: length u16, hole offset u16, flags u8, and hole length u16 if it is compressed and has a
/// hole.
///
/// | image flag | PostgreSQL 14   | 15 and later    |
/// |-----------:|-----------------|-----------------|
/// |       `01` | has a hole      | has a hole      |
/// |       `02` | pglz            | apply           |
/// |       `04` | apply           | pglz            |
/// |  `08` `10` | –               | LZ4, zstd       |
public final class WalRecord {

  /// Bytes of a record's header, and so of the shortest record.
  public static final int HEADER_LENGTH = 24;

  static final ValueLayout.OfShort U16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt U32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong U64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final PgVersion version;
  private final int applyFlag;
  private final RecordPieces pieces;

  private MemorySegment bytes = MemorySegment.NULL;
  private long start;
  private long startLsn;
  private long endLsn;
  private long previousLsn;
  private int totalLength;
  private int xid;
  private int info;
  private int rmgr;
  private int crc;

  public WalRecord(PgVersion version) {
    this.version = version;
    this.applyFlag = version == PgVersion.V14 ? 0x04 : 0x02;
    this.pieces = new RecordPieces(version);
  }

  /// Parses the record that begins at `offset` with its header and is whole there, with all of
  /// PostgreSQL's own cross-checks of the pieces. The CRC and the link to the previous record are
  /// the business of who cuts the log into records ({@link WalDecoder}).
  ///
  /// A decoder does the same without the copy that is made here.
  ///
  /// @param length of the record in bytes, as its header must say, too
  /// @throws WalException naming `startLsn` when a piece can't be right; what the accessors then
  ///   return is undefined
  public void parse(MemorySegment bytes, long offset, int length, long startLsn, long endLsn) {
    if (length < HEADER_LENGTH || offset < 0 || offset > bytes.byteSize() - length) {
      throw new WalException(startLsn, length + " bytes at " + offset + " can't hold a record");
    }
    byte[] copy = bytes.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE);
    parseHeader(bytes, offset, copy, 0, startLsn);
    if (totalLength != length) {
      throw new WalException(
          startLsn,
          "the record says it has "
              + Integer.toUnsignedString(totalLength)
              + " bytes, but has "
              + length);
    }
    if (!ResourceManager.isValid(version, rmgr)) {
      throw new WalException(startLsn, "invalid resource manager " + rmgr);
    }
    parsePieces(copy, 0, endLsn);
  }

  /// Parses the 24 bytes of the header alone.
  ///
  /// @param array has the same bytes at `index`; see {@link PageBytes}
  void parseHeader(MemorySegment bytes, long offset, byte[] array, int index, long startLsn) {
    this.bytes = bytes;
    this.start = offset;
    this.startLsn = startLsn;
    totalLength = (int) PageBytes.U32.get(array, index);
    xid = (int) PageBytes.U32.get(array, index + 4);
    previousLsn = (long) PageBytes.U64.get(array, index + 8);
    info = array[index + 16] & 0xFF;
    rmgr = array[index + 17] & 0xFF;
    crc = (int) PageBytes.U32.get(array, index + 20);
  }

  /// Parses what follows the header that was parsed last, which is there as it says, whole.
  void parsePieces(byte[] array, int index, long endLsn) {
    this.endLsn = endLsn;
    pieces.parse(array, index, totalLength, startLsn);
  }

  /// The checksum that the header tells.
  int crc() {
    return crc;
  }

  public PgVersion version() {
    return version;
  }

  /// Where its header begins.
  public long startLsn() {
    return startLsn;
  }

  /// Where the next record begins: *the* LSN of this record, that pages and layers name.
  public long endLsn() {
    return endLsn;
  }

  /// Where the previous record begins.
  public long previousLsn() {
    return previousLsn;
  }

  /// Bytes of the record, header included, page headers within it not included.
  public int totalLength() {
    return totalLength;
  }

  /// The transaction that wrote it, or 0.
  public int xid() {
    return xid;
  }

  /// The whole byte; the record's type within its manager is `info & 0xF0`.
  public int info() {
    return info;
  }

  /// Number of the {@link ResourceManager}.
  public int rmgr() {
    return rmgr;
  }

  /// What all offsets of this record refer to.
  public MemorySegment bytes() {
    return bytes;
  }

  /// Where the record's header begins in {@link #bytes()}.
  public long offset() {
    return start;
  }

  public long mainDataOffset() {
    return start + totalLength - pieces.mainDataLength();
  }

  public int mainDataLength() {
    return pieces.mainDataLength();
  }

  /// The replication origin, or 0.
  public int origin() {
    return pieces.origin();
  }

  /// Under `wal_level = logical` in the first record of a subtransaction; or 0.
  public int topLevelXid() {
    return pieces.topLevelXid();
  }

  /// How many block references there are. Below, `i` counts them in their order; it is *not* the
  /// id.
  public int blockCount() {
    return pieces.blockCount();
  }

  public int blockId(int i) {
    return pieces.at(i, RecordPieces.ID);
  }

  /// @return the place of the reference with this id, or -1
  public int findBlock(int id) {
    return pieces.find(id);
  }

  /// The byte of fork and flags.
  public int blockFlags(int i) {
    return pieces.at(i, RecordPieces.FLAGS);
  }

  public int fork(int i) {
    return pieces.at(i, RecordPieces.FLAGS) & RecordPieces.FORK_MASK;
  }

  public boolean hasImage(int i) {
    return (pieces.at(i, RecordPieces.FLAGS) & RecordPieces.HAS_IMAGE) != 0;
  }

  /// Whether redo restores the image; one without this is only for checking redo against.
  public boolean imageApplies(int i) {
    return (pieces.at(i, RecordPieces.IMAGE_FLAGS) & applyFlag) != 0;
  }

  /// Whether redo makes the page from nothing.
  public boolean initializesPage(int i) {
    return (pieces.at(i, RecordPieces.FLAGS) & RecordPieces.WILL_INIT) != 0;
  }

  public boolean hasData(int i) {
    return (pieces.at(i, RecordPieces.FLAGS) & RecordPieces.HAS_DATA) != 0;
  }

  public int tablespace(int i) {
    return pieces.at(i, RecordPieces.TABLESPACE);
  }

  public int database(int i) {
    return pieces.at(i, RecordPieces.DATABASE);
  }

  public int relation(int i) {
    return pieces.at(i, RecordPieces.RELATION);
  }

  /// The block's number in its fork, unsigned.
  public int block(int i) {
    return pieces.at(i, RecordPieces.BLOCK);
  }

  public long dataOffset(int i) {
    return start + pieces.at(i, RecordPieces.DATA_OFFSET);
  }

  public int dataLength(int i) {
    return pieces.at(i, RecordPieces.DATA_LENGTH);
  }

  public long imageOffset(int i) {
    return start + pieces.at(i, RecordPieces.IMAGE_OFFSET);
  }

  /// Bytes of the image as it is stored: compressed, and without its hole.
  public int imageLength(int i) {
    return pieces.at(i, RecordPieces.IMAGE_LENGTH);
  }

  public int holeOffset(int i) {
    return pieces.at(i, RecordPieces.HOLE_OFFSET);
  }

  public int holeLength(int i) {
    return pieces.at(i, RecordPieces.HOLE_LENGTH);
  }

  /// One of the constants of {@link FullPageImage}.
  public int imageCompression(int i) {
    return FullPageImage.compression(version, pieces.at(i, RecordPieces.IMAGE_FLAGS));
  }
}
