package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/// What must hold of a record before its content is believed: a possible length, a resource manager
/// that exists, the link to the record before it, and the CRC.
final class RecordCheck {

  /// From 16 on, PostgreSQL writes none longer (`XLogRecordMaxSize`).
  private static final int MAX_LENGTH = 1020 << 20;

  /// Before 16, none longer can be read: it must fit one piece of memory.
  private static final int MAX_LENGTH_BEFORE_16 = (1 << 30) - 1;

  private static final int CRC = 20;

  private final PgVersion version;
  private final int maxLength;
  private final CRC32C crc = new CRC32C();
  private long previous = -1;

  RecordCheck(PgVersion version) {
    this.version = version;
    this.maxLength = version.isAtLeast(PgVersion.V16) ? MAX_LENGTH : MAX_LENGTH_BEFORE_16;
  }

  void length(int length, long lsn) {
    if (length < WalRecord.HEADER_LENGTH || length > maxLength) {
      throw new WalException(
          lsn, "a record can't have " + Integer.toUnsignedString(length) + " bytes");
    }
  }

  /// Checks the header that is whole at `offset`.
  void header(MemorySegment bytes, long offset, long lsn) {
    int rmgr = bytes.get(JAVA_BYTE, offset + 17) & 0xFF;
    long link = bytes.get(WalRecord.U64, offset + 8);
    if (!ResourceManager.isValid(version, rmgr)) {
      throw new WalException(lsn, "invalid resource manager " + rmgr);
    }
    boolean linked = previous == -1 ? Long.compareUnsigned(link, lsn) < 0 : link == previous;
    if (!linked) {
      throw new WalException(
          lsn,
          "the record follows the one at "
              + Lsn.format(link)
              + (previous == -1 ? "" : ", not the one at " + Lsn.format(previous)));
    }
  }

  /// Checks the CRC of the record that is whole at `offset`.
  void crc(ByteBuffer bytes, int offset, int length, long lsn) {
    crc.reset();
    bytes.limit(offset + length).position(offset + WalRecord.HEADER_LENGTH);
    crc.update(bytes);
    bytes.limit(offset + CRC).position(offset);
    crc.update(bytes);
    int stored = bytes.clear().order(ByteOrder.LITTLE_ENDIAN).getInt(offset + CRC);
    if ((int) crc.getValue() != stored) {
      throw new WalException(lsn, "incorrect checksum of a record of " + length + " bytes");
    }
  }

  /// The next record must link to the one that begins here.
  void passed(long lsn) {
    previous = lsn;
  }
}
