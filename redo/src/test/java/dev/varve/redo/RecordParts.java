package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// A WAL record in parts, which can be changed and put together to bytes; the layout is {@link
/// dev.varve.postgres.wal.WalRecord}'s, said a second time. The lengths in it always agree.
final class RecordParts {

  static final int HEADER = 24;

  private static final int HAS_IMAGE = 0x10;
  private static final int HAS_DATA = 0x20;
  private static final int WILL_INIT = 0x40;

  int rmgr;
  int info;
  int xid;
  byte[] main = {};
  List<Block> blocks = new ArrayList<>();

  /// One block reference. Its image is the bytes of its header and those that are stored.
  static final class Block {
    int id;
    int fork;
    boolean initializes;
    int tablespace = 1663;
    int database = 5;
    int relation = 16384;
    int block;
    byte[] data = {};
    @Nullable Image image;

    Block copy() {
      var copy = new Block();
      copy.id = id;
      copy.fork = fork;
      copy.initializes = initializes;
      copy.tablespace = tablespace;
      copy.database = database;
      copy.relation = relation;
      copy.block = block;
      copy.data = data.clone();
      copy.image = image;
      return copy;
    }

    Key key() {
      return new Key(0, tablespace, database, relation, fork, block);
    }
  }

  /// @param header as it follows the fork, flags and data length
  record Image(MemorySegment header, MemorySegment stored) {}

  RecordParts copy() {
    var copy = new RecordParts();
    copy.rmgr = rmgr;
    copy.info = info;
    copy.xid = xid;
    copy.main = main.clone();
    blocks.forEach(block -> copy.blocks.add(block.copy()));
    return copy;
  }

  Block block(int id) {
    for (Block block : blocks) {
      if (block.id == id) {
        return block;
      }
    }
    var block = new Block();
    block.id = id;
    blocks.add(block);
    blocks.sort(Comparator.comparingInt(one -> one.id));
    return block;
  }

  /// Adds what one of the record's changes says of it.
  void add(PgVersion version, ChangeSample sample) {
    var change = new Change(version);
    change.read(sample.key(), sample.lsn(), sample.change());
    rmgr = change.rmgr();
    info = change.info();
    xid = change.xid();
    byte[] bytes = sample.change().toArray(PgLayout.BYTE);
    if (change.mainLength() > main.length) {
      main = slice(bytes, change.mainOffset(), change.mainLength());
    }
    Block own = block(change.blockId());
    own.initializes = change.initializes();
    own.data = slice(bytes, change.dataOffset(), change.dataLength());
    place(own, sample.key(), sample.key().fork(), sample.key().block(), true);
    int othersEnd = change.mainOffset();
    for (int at = othersEnd - bytes[5] * Change.OTHER_BYTES; at < othersEnd; at += 6) {
      boolean same = (bytes[at + 1] & Change.SAME_RELATION) != 0;
      int number = sample.change().get(PgLayout.INT, at + 2);
      place(block(bytes[at]), sample.key(), bytes[at + 1] & 0x0F, number, same);
    }
  }

  private static void place(Block block, Key key, int fork, int number, boolean same) {
    block.tablespace = key.tablespace();
    block.database = key.database();
    block.relation = same ? key.relation() : key.relation() + 1;
    block.fork = fork;
    block.block = number;
  }

  private static byte[] slice(byte[] bytes, int from, int length) {
    return MemorySegment.ofArray(bytes).asSlice(from, length).toArray(PgLayout.BYTE);
  }

  /// The record's bytes, with a right CRC.
  byte[] toBytes(long previous) {
    var headers = new ByteArrayOutputStream();
    var payload = new ByteArrayOutputStream();
    for (Block block : blocks) {
      Image image = block.image;
      int flags =
          block.fork
              | (image != null ? HAS_IMAGE : 0)
              | (block.data.length > 0 ? HAS_DATA : 0)
              | (block.initializes ? WILL_INIT : 0);
      headers.writeBytes(Changes.bytes((byte) block.id, (byte) flags, (short) block.data.length));
      if (image != null) {
        headers.writeBytes(image.header.toArray(PgLayout.BYTE));
        payload.writeBytes(image.stored.toArray(PgLayout.BYTE));
      }
      headers.writeBytes(
          Changes.bytes(block.tablespace, block.database, block.relation, block.block));
      payload.writeBytes(block.data);
    }
    byte[] announced =
        main.length == 0
            ? new byte[0]
            : main.length < 256
                ? Changes.bytes((byte) 255, (byte) main.length)
                : Changes.bytes((byte) 254, main.length);
    byte[] pieces = Changes.bytes(headers.toByteArray(), announced, payload.toByteArray(), main);
    byte[] head = Changes.bytes(HEADER + pieces.length, xid, previous, (byte) info, (byte) rmgr);
    byte[] record = Changes.bytes(head, (short) 0, 0, pieces);
    sign(record);
    return record;
  }

  /// Makes the CRC right again.
  static void sign(byte[] record) {
    var crc = new CRC32C();
    crc.update(record, HEADER, record.length - HEADER);
    crc.update(record, 0, 20);
    MemorySegment.ofArray(record).set(PgLayout.INT, 20, (int) crc.getValue());
  }
}
