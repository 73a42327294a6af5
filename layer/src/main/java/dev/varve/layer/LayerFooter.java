package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// The end of a layer file.
///
/// | offset | length | field                                                     |
/// |--------|--------|-----------------------------------------------------------|
/// | 0      | 18     | first key of the range, big-endian                        |
/// | 18     | 18     | end key of the range, excluded                            |
/// | 36     | 8      | first LSN of the range                                    |
/// | 44     | 8      | end LSN of the range, excluded                            |
/// | 52     | 8      | where the root's frame begins                             |
/// | 60     | 4      | length of its frame and packed bytes                      |
/// | 64     | 4      | length of its unpacked bytes                              |
/// | 68     | 8      | number of versions                                        |
/// | 76     | 8      | number of data blocks                                     |
/// | 84     | 8      | size of the file                                          |
/// | 92     | 4      | the header's checksum                                     |
/// | 96     | 20     | 0                                                         |
/// | 116    | 4      | CRC-32C of the bytes before                               |
/// | 120    | 8      | `VARVEEND`                                                |
record LayerFooter(
    KeyRange keys, LsnRange lsns, Root root, long versions, long blocks, long size, int header) {

  static final int BYTES = 128;

  private static final byte[] MAGIC = "VARVEEND".getBytes(StandardCharsets.US_ASCII);
  private static final int CRC = 116;

  /// Where the root is.
  record Root(long offset, int length, int unpacked) {}

  byte[] write() {
    byte[] bytes = new byte[BYTES];
    Encoding.putKey(bytes, 0, keys.start());
    Encoding.putKey(bytes, 18, keys.end());
    Encoding.putLong(bytes, 36, lsns.start().value());
    Encoding.putLong(bytes, 44, lsns.end().value());
    Encoding.putLong(bytes, 52, root.offset);
    Encoding.putInt(bytes, 60, root.length);
    Encoding.putInt(bytes, 64, root.unpacked);
    Encoding.putLong(bytes, 68, versions);
    Encoding.putLong(bytes, 76, blocks);
    Encoding.putLong(bytes, 84, size);
    Encoding.putInt(bytes, 92, header);
    Encoding.putInt(bytes, CRC, crc(bytes));
    System.arraycopy(MAGIC, 0, bytes, CRC + 4, MAGIC.length);
    return bytes;
  }

  /// @param fileSize what the file system says
  static LayerFooter read(byte[] bytes, long fileSize) throws MalformedBlockException {
    if (!Arrays.equals(bytes, CRC + 4, BYTES, MAGIC, 0, MAGIC.length)) {
      throw new MalformedBlockException("it does not end as a layer file does");
    }
    if (Encoding.getInt(bytes, CRC) != crc(bytes)) {
      throw new MalformedBlockException("the footer's checksum is wrong");
    }
    long size = Encoding.getLong(bytes, 84);
    if (size != fileSize) {
      throw new MalformedBlockException(
          "the file has " + fileSize + " bytes, its footer says " + size);
    }
    Key start = Encoding.getKey(bytes, 0);
    Key end = Encoding.getKey(bytes, 18);
    Lsn first = new Lsn(Encoding.getLong(bytes, 36));
    Lsn last = new Lsn(Encoding.getLong(bytes, 44));
    if (start.compareTo(end) >= 0 || first.compareTo(last) >= 0) {
      throw new MalformedBlockException("the footer has empty ranges");
    }
    return new LayerFooter(
        new KeyRange(start, end),
        new LsnRange(first, last),
        new Root(
            Encoding.getLong(bytes, 52), Encoding.getInt(bytes, 60), Encoding.getInt(bytes, 64)),
        Encoding.getLong(bytes, 68),
        Encoding.getLong(bytes, 76),
        size,
        Encoding.getInt(bytes, 92));
  }

  private static int crc(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes, 0, CRC);
    return (int) crc.getValue();
  }
}
