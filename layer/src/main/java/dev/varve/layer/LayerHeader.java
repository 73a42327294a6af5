package dev.varve.layer;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// The beginning of a layer file.
///
/// | offset | length | field                                     |
/// |--------|--------|-------------------------------------------|
/// | 0      | 8      | `VARVELYR`                                |
/// | 8      | 2      | version of the format, 1                  |
/// | 10     | 1      | kind of layer: 1 delta, 2 image           |
/// | 11     | 1      | 0                                         |
/// | 12     | 16     | tenant id, big-endian                     |
/// | 28     | 16     | timeline id, big-endian                   |
/// | 44     | 16     | 0                                         |
/// | 60     | 4      | CRC-32C of the bytes before               |
record LayerHeader(LayerKind kind, LayerOwner owner) {

  static final int BYTES = 64;

  private static final byte[] MAGIC = "VARVELYR".getBytes(StandardCharsets.US_ASCII);
  private static final int CRC = 60;

  byte[] write() {
    byte[] bytes = Arrays.copyOf(MAGIC, BYTES);
    Encoding.putShort(bytes, 8, LayerFormat.VERSION);
    bytes[10] = (byte) kind.code();
    Encoding.putBigLong(bytes, 12, owner.tenant().high());
    Encoding.putBigLong(bytes, 20, owner.tenant().low());
    Encoding.putBigLong(bytes, 28, owner.timeline().high());
    Encoding.putBigLong(bytes, 36, owner.timeline().low());
    Encoding.putInt(bytes, CRC, crc(bytes));
    return bytes;
  }

  static LayerHeader read(byte[] bytes) throws MalformedBlockException {
    if (!Arrays.equals(bytes, 0, MAGIC.length, MAGIC, 0, MAGIC.length)) {
      throw new MalformedBlockException("it does not begin as a layer file does");
    }
    int version = Encoding.getShort(bytes, 8);
    if (version != LayerFormat.VERSION) {
      throw new MalformedBlockException(
          "it has format version " + version + ", known is " + LayerFormat.VERSION);
    }
    if (Encoding.getInt(bytes, CRC) != crc(bytes)) {
      throw new MalformedBlockException("the header's checksum is wrong");
    }
    for (LayerKind kind : LayerKind.values()) {
      if (kind.code() == bytes[10]) {
        return new LayerHeader(kind, owner(bytes));
      }
    }
    throw new MalformedBlockException("unknown kind of layer " + bytes[10]);
  }

  private static LayerOwner owner(byte[] bytes) {
    return new LayerOwner(
        new TenantId(Encoding.getBigLong(bytes, 12), Encoding.getBigLong(bytes, 20)),
        new TimelineId(Encoding.getBigLong(bytes, 28), Encoding.getBigLong(bytes, 36)));
  }

  static int crc(byte[] bytes) {
    var crc = new CRC32C();
    crc.update(bytes, 0, CRC);
    return (int) crc.getValue();
  }
}
