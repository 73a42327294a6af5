package dev.varve.datadir;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.postgres.wal.WalSegments;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/// Writes a log record by record, with pages and checksums as they should be.
public final class CraftedLog {

  public static final int SEGMENT_SIZE = 1 << 20;
  private static final int PAGE = WalSegments.PAGE_SIZE;

  private final PgVersion version;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final long start;
  private long previous;
  private int tli = 1;

  /// @param start where a segment begins
  public CraftedLog(PgVersion version, long start) {
    this.version = version;
    this.start = start;
  }

  /// The PostgreSQL timeline that is written on pages that begin from now on.
  public void setTli(int tli) {
    this.tli = tli;
  }

  public long position() {
    return start + bytes.size();
  }

  /// What was written since `lsn`.
  public byte[] since(long lsn) {
    byte[] all = bytes.toByteArray();
    int from = (int) (lsn - start);
    return Arrays.copyOfRange(all, from, all.length);
  }

  /// @return the record's LSN: its end
  public long add(CraftedRecord record) {
    byte[] pieces = record.pieces();
    int length = WalRecord.HEADER_LENGTH + pieces.length;
    byte[] whole =
        CraftedRecord.bytes(
            length,
            b -> {
              b.putInt(length).putInt(record.xid).putLong(previous);
              b.put((byte) record.info).put((byte) record.rmgr).putShort((short) 0).putInt(0);
              b.put(pieces);
            });
    startPageIfAtOne(0, 0);
    long begin = position();
    sign(whole);
    for (int i = 0; i < length; i++) {
      startPageIfAtOne(1, length - i);
      bytes.write(whole[i]);
    }
    while (position() % 8 != 0) {
      bytes.write(0);
    }
    previous = begin;
    return position();
  }

  private static void sign(byte[] record) {
    var crc = new CRC32C();
    crc.update(record, WalRecord.HEADER_LENGTH, record.length - WalRecord.HEADER_LENGTH);
    crc.update(record, 0, 20);
    ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN).putInt(20, (int) crc.getValue());
  }

  private void startPageIfAtOne(int info, int remaining) {
    long lsn = position();
    if (lsn % PAGE != 0) {
      return;
    }
    boolean first = lsn % SEGMENT_SIZE == 0;
    bytes.writeBytes(
        CraftedRecord.bytes(
            first ? 40 : 24,
            b -> {
              b.putShort((short) version.walMagic()).putShort((short) (info | (first ? 2 : 0)));
              b.putInt(tli).putLong(lsn).putInt(remaining).putInt(0);
              if (first) {
                b.putLong(1).putInt(SEGMENT_SIZE).putInt(PAGE);
              }
            }));
  }
}
