package dev.varve.postgres.wal;

import dev.varve.postgres.PgVersion;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/// Writes a log byte by byte, right unless told otherwise: pages, records, and what a server does
/// after a crash.
final class CraftedWal {

  static final long SYSTEM_ID = 0x0123_4567_89AB_CDEFL;
  static final int SEGMENT_SIZE = 1 << 20;

  private static final int PAGE = WalSegments.PAGE_SIZE;
  private static final int CONTINUATION = 1;
  private static final int LONG_HEADER = 2;
  private static final int OVERWRITE = 8;

  private final PgVersion version;
  private final long start;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private long previous;
  private int tli = 1;
  private int pageInfo;
  private long lastStart;

  CraftedWal(PgVersion version, long start) {
    this.version = version;
    this.start = start;
  }

  static CraftedWal v17() {
    return new CraftedWal(PgVersion.V17, 3L * SEGMENT_SIZE);
  }

  long start() {
    return start;
  }

  /// The LSN of the next byte.
  long position() {
    return start + bytes.size();
  }

  /// Where the newest record's header begins.
  long lastStart() {
    return lastStart;
  }

  WalDecoder decoder() {
    return new WalDecoder(version, SEGMENT_SIZE, start);
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }

  MemorySegment segment() {
    return MemorySegment.ofArray(toBytes());
  }

  /// A record with this much main data.
  CraftedWal add(int rmgr, int info, int mainDataLength) {
    byte[] data = new byte[mainDataLength];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) (i * 31L + previous);
    }
    return addData(rmgr, info, data);
  }

  CraftedWal addData(int rmgr, int info, byte[] data) {
    int prefix = data.length == 0 ? 0 : data.length < 256 ? 2 : 5;
    byte[] pieces = new byte[prefix + data.length];
    ByteBuffer to = little(pieces);
    if (prefix == 2) {
      to.put((byte) 255).put((byte) data.length);
    } else if (prefix == 5) {
      to.put((byte) 254).putInt(data.length);
    }
    to.put(data);
    return addPieces(rmgr, info, pieces);
  }

  /// A record whose header is followed by these bytes.
  CraftedWal addPieces(int rmgr, int info, byte[] pieces) {
    startPageIfAtOne();
    return put(record(rmgr, info, previous, pieces), Integer.MAX_VALUE);
  }

  /// Only the first bytes of a record, as a crash leaves them; then zeroes up to the page's end.
  /// What is added next begins on a page that says that the rest was lost.
  CraftedWal abandon(int rmgr, int mainDataLength, int written) {
    startPageIfAtOne();
    long linked = previous;
    byte[] pieces = new byte[5 + mainDataLength];
    little(pieces).put((byte) 254).putInt(mainDataLength);
    put(record(rmgr, 0, previous, pieces), written);
    while (position() % PAGE != 0) {
      bytes.write(0);
    }
    previous = linked;
    pageInfo = OVERWRITE;
    return this;
  }

  CraftedWal tli(int value) {
    tli = value;
    return this;
  }

  /// Zeroes to the segment's end, as after a switch.
  CraftedWal fillSegment() {
    while (position() % SEGMENT_SIZE != 0) {
      bytes.write(0);
    }
    return this;
  }

  /// Records of a few sizes up to the LSN; the last one ends exactly there, if it is aligned.
  CraftedWal fillTo(long lsn) {
    while (position() < lsn) {
      startPageIfAtOne();
      long left = lsn - position();
      long pageLeft = PAGE - position() % PAGE;
      if (left < 64 || left > pageLeft) {
        add(10, 0, left < 64 ? (int) left - 26 : 40);
      } else {
        add(10, 0, left >= 128 ? 14 : (int) left - 26);
      }
    }
    return this;
  }

  /// The bytes of a whole record.
  byte[] record(int rmgr, int info, long link, byte[] pieces) {
    byte[] record = new byte[WalRecord.HEADER_LENGTH + pieces.length];
    ByteBuffer to = little(record).putInt(record.length).putInt(700).putLong(link);
    to.put((byte) info).put((byte) rmgr).putShort((short) 0).putInt(0).put(pieces);
    return sign(record);
  }

  static byte[] sign(byte[] record) {
    var crc = new CRC32C();
    crc.update(record, WalRecord.HEADER_LENGTH, record.length - WalRecord.HEADER_LENGTH);
    crc.update(record, 0, 20);
    little(record).putInt(20, (int) crc.getValue());
    return record;
  }

  private CraftedWal put(byte[] record, int written) {
    lastStart = position();
    for (int i = 0; i < Math.min(record.length, written); i++) {
      if (position() % PAGE == 0) {
        startPage(CONTINUATION, record.length - i);
      }
      bytes.write(record[i]);
    }
    while (written > record.length && position() % 8 != 0) {
      bytes.write(0);
    }
    previous = lastStart;
    return this;
  }

  CraftedWal startPageIfAtOne() {
    if (position() % PAGE == 0) {
      startPage(pageInfo, 0);
      pageInfo = 0;
    }
    return this;
  }

  private void startPage(int info, int remaining) {
    long lsn = position();
    boolean first = lsn % SEGMENT_SIZE == 0;
    byte[] header = new byte[first ? 40 : 24];
    ByteBuffer to = little(header);
    to.putShort((short) version.walMagic()).putShort((short) (info | (first ? LONG_HEADER : 0)));
    to.putInt(tli).putLong(lsn).putInt(remaining).putInt(0);
    if (first) {
      to.putLong(SYSTEM_ID).putInt(SEGMENT_SIZE).putInt(PAGE);
    }
    bytes.writeBytes(header);
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
