package dev.varve.datadir;

import dev.varve.postgres.page.Page;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/// One record of a crafted log, in the making.
public final class CraftedRecord {

  /// In {@link #block}: redo makes the page from nothing.
  public static final int INITIALIZES = 0x40;

  private static final int HAS_IMAGE = 0x10;
  private static final int HAS_DATA = 0x20;
  private static final int IMAGE_APPLIES = 2;

  final int rmgr;
  final int info;
  int xid;
  private final ByteArrayOutputStream headers = new ByteArrayOutputStream();
  private final ByteArrayOutputStream payload = new ByteArrayOutputStream();
  private byte[] main = new byte[0];

  public CraftedRecord(int rmgr, int info) {
    this.rmgr = rmgr;
    this.info = info;
  }

  public CraftedRecord xid(int value) {
    xid = value;
    return this;
  }

  /// A reference with data, of any length.
  public CraftedRecord block(int id, RelationFork fork, int block, int flags, byte... data) {
    reference(id, fork, flags | (data.length > 0 ? HAS_DATA : 0), data.length);
    locator(fork, block);
    payload.writeBytes(data);
    return this;
  }

  /// A reference with an image that redo restores; as from version 15 on.
  public CraftedRecord image(int id, RelationFork fork, int block, byte[] page) {
    reference(id, fork, HAS_IMAGE, 0);
    headers.writeBytes(
        bytes(
            5, b -> b.putShort((short) page.length).putShort((short) 0).put((byte) IMAGE_APPLIES)));
    locator(fork, block);
    payload.writeBytes(page);
    return this;
  }

  private void reference(int id, RelationFork fork, int flags, int dataLength) {
    headers.writeBytes(
        bytes(
            4,
            b -> b.put((byte) id).put((byte) (fork.fork() | flags)).putShort((short) dataLength)));
  }

  private void locator(RelationFork fork, int block) {
    headers.writeBytes(
        bytes(
            16,
            b ->
                b.putInt(fork.tablespace())
                    .putInt(fork.database())
                    .putInt(fork.relation())
                    .putInt(block)));
  }

  public CraftedRecord main(int length, Consumer<ByteBuffer> fill) {
    main = bytes(length, fill);
    return this;
  }

  public CraftedRecord main(byte... data) {
    main = data;
    return this;
  }

  /// All that follows the record's header.
  byte[] pieces() {
    var all = new ByteArrayOutputStream();
    all.writeBytes(headers.toByteArray());
    if (main.length > 0xFF) {
      all.writeBytes(bytes(5, b -> b.put((byte) 254).putInt(main.length)));
    } else if (main.length > 0) {
      all.writeBytes(new byte[] {(byte) 255, (byte) main.length});
    }
    all.writeBytes(payload.toByteArray());
    all.writeBytes(main);
    return all.toByteArray();
  }

  public static byte[] bytes(int length, Consumer<ByteBuffer> fill) {
    byte[] bytes = new byte[length];
    fill.accept(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
    return bytes;
  }

  /// A page like a heap page, empty but for a mark by which to know it.
  public static byte[] page(int mark) {
    return bytes(
        Page.SIZE,
        b -> {
          b.putShort(12, (short) Page.HEADER).putShort(14, (short) Page.SIZE);
          b.putShort(16, (short) Page.SIZE).putShort(18, (short) Page.SIZE_AND_VERSION);
          b.putInt(Page.SIZE - 4, mark);
        });
  }
}
