package dev.varve.postgres.wal;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
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
  private long abandoned;

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

  /// Checks a header.
  void header(WalRecord record) {
    if (!ResourceManager.isValid(version, record.rmgr())) {
      throw new WalException(record.startLsn(), "invalid resource manager " + record.rmgr());
    }
    long link = record.previousLsn();
    boolean linked =
        previous == -1 ? Long.compareUnsigned(link, record.startLsn()) < 0 : link == previous;
    if (!linked) {
      throw new WalException(
          record.startLsn(),
          "the record follows the one at "
              + Lsn.format(link)
              + (previous == -1 ? "" : ", not the one at " + Lsn.format(previous)));
    }
  }

  /// Checks the CRC of a record of which the header is parsed.
  ///
  /// @param bytes the whole record is at `offset` there
  void crc(WalRecord record, byte[] bytes, int offset) {
    int header = WalRecord.HEADER_LENGTH;
    crc.reset();
    crc.update(bytes, offset + header, record.totalLength() - header);
    crc(record, crc, bytes, offset);
  }

  /// Checks the CRC of a gathered record of which the header is parsed.
  void crc(WalRecord record, RecordBuffer gathered) {
    if (gathered.isPassing()) {
      crc(record, gathered.body(), gathered.array(), 0);
    } else {
      crc(record, gathered.array(), 0);
    }
  }

  /// @param sum of all after the header
  private static void crc(WalRecord record, CRC32C sum, byte[] bytes, int offset) {
    sum.update(bytes, offset, CRC);
    if ((int) sum.getValue() != record.crc()) {
      throw new WalException(
          record.startLsn(),
          "incorrect checksum of a record of " + record.totalLength() + " bytes");
    }
  }

  /// The next record must link to the one that begins here.
  void passed(long lsn) {
    previous = lsn;
    abandoned = 0;
  }

  /// The record that began here was dropped; the next one must name it, if it names one.
  void abandoned(long lsn) {
    abandoned = lsn;
  }

  /// Checks a record that names one that was abandoned: its main data begin with that one's LSN.
  void abandonment(WalRecord record) {
    if (record.mainDataLength() < Long.BYTES) {
      throw new WalException(
          record.startLsn(), "the record that names an abandoned one is too short");
    }
    long named = record.bytes().get(WalRecord.U64, record.mainDataOffset());
    if (abandoned != 0 && named != abandoned) {
      throw new WalException(
          record.startLsn(),
          "the record at "
              + Lsn.format(abandoned)
              + " was abandoned here, but the log says that it was the one at "
              + Lsn.format(named));
    }
  }
}
