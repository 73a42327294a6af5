package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import java.util.zip.CRC32C;

/// The state of a prepared transaction: the main data of a PREPARE record (Transaction, type `10`),
/// and, with a checksum after it, the file in `pg_twophase`. Immutable; the bytes are borrowed.
///
/// | version 14 | from 15 | field                                                                  |
/// |------------|---------|------------------------------------------------------------------------|
/// | 0-3        | =       | magic number `57F94534`                                                |
/// | 4-7        | =       | length of the file: these bytes and the 4 of the checksum              |
/// | 8-15       | =       | transaction id, database                                               |
/// | 16-23      | =       | time, in microseconds since 2000                                       |
/// | 24-27      | =       | owner                                                                  |
/// | 28-39      | =       | counts: subtransactions, relations that go at commit, at abort         |
/// | –          | 40-47   | counts: statistics that go at commit, at abort                         |
/// | 40-43      | 48-51   | count: invalidations                                                   |
/// | 44         | 52      | whether the relation cache file is stale; one byte of padding          |
/// | 46-47      | 54-55   | length of the name with its zero byte                                  |
/// | 48-63      | 56-71   | LSN and time at the origin                                             |
///
/// Each of these follows, padded to a multiple of 8: the name, the subtransactions (4 bytes each),
/// relations at commit and at abort (12), statistics at commit and at abort (12, in version 18:
/// 16), invalidations (16); then what locks and other state it holds. In the file only, a CRC-32C
/// of all that ends it.
///
/// PostgreSQL's `access/xact.h` (`xl_xact_prepare`).
///
/// @param version who wrote it
/// @param bytes the state without the checksum
public record PreparedTransaction(PgVersion version, MemorySegment bytes) {

  private static final int MAGIC = 0x57F9_4534;
  private static final int CRC = 4;
  private static final int XID = 4;
  private static final int RELATION = 12;
  private static final int INVALIDATION = 16;

  /// PostgreSQL's limit on a name, with its zero byte.
  private static final int LONGEST_NAME = 200;

  /// @throws PageserverException.DataCorrupted if the header or a count can't be right
  public PreparedTransaction {
    check(version, bytes);
  }

  /// The state that a PREPARE record holds, borrowed.
  ///
  /// @throws dev.varve.postgres.wal.WalException if it is damaged or the record is another one
  public static PreparedTransaction read(WalRecord record) {
    return read(Payload.of(record, "Transaction"));
  }

  /// @throws dev.varve.postgres.wal.WalException if it is damaged or the record is another one
  public static PreparedTransaction read(Payload payload) {
    if (!TransactionRecord.isPrepare(payload.info())) {
      throw payload.damaged("is not PREPARE");
    }
    try {
      return new PreparedTransaction(payload.version(), payload.bytes());
    } catch (PageserverException.DataCorrupted damage) {
      throw payload.damaged("is damaged: " + damage.getMessage());
    }
  }

  /// The state in a file of `pg_twophase`, its checksum verified and left out.
  ///
  /// @throws PageserverException.DataCorrupted if it is damaged
  public static PreparedTransaction readFile(PgVersion version, MemorySegment file) {
    long length = file.byteSize() - CRC;
    if (length < 0) {
      throw damaged("it has " + file.byteSize() + " bytes");
    }
    MemorySegment state = file.asSlice(0, length);
    if (crc(state) != file.get(INT, length)) {
      throw damaged("its checksum is wrong");
    }
    return new PreparedTransaction(version, state);
  }

  private static void check(PgVersion version, MemorySegment bytes) {
    long length = bytes.byteSize();
    if (length < headerSize(version)) {
      throw damaged("it has " + length + " bytes");
    }
    if (bytes.get(INT, 0) != MAGIC) {
      throw damaged("it begins with " + HexFormat.of().toHexDigits(bytes.get(INT, 0)));
    }
    if (bytes.get(INT, 4) != length + CRC) {
      throw damaged(
          "it gives its length as %s, but has %d bytes"
              .formatted(Integer.toUnsignedString(bytes.get(INT, 4)), length + CRC));
    }
    int name = bytes.get(SHORT, headerSize(version) - 18) & 0xFFFF;
    if (name == 0 || name > LONGEST_NAME) {
      throw damaged("its name has " + name + " bytes");
    }
    long at = headerSize(version) + padded(name);
    for (int i = 0; i < countedParts(version); i++) {
      int count = bytes.get(INT, 28 + 4L * i);
      int size = size(version, i);
      if (count < 0 || count > (length - at) / size) {
        throw damaged("count %d in it is %s".formatted(i, Integer.toUnsignedString(count)));
      }
      at += padded((long) count * size);
    }
    if (at > length) {
      throw damaged("it ends before its parts do");
    }
    if (bytes.get(BYTE, headerSize(version) + name - 1L) != 0) {
      throw damaged("its name does not end");
    }
  }

  private static PageserverException.DataCorrupted damaged(String finding) {
    return new PageserverException.DataCorrupted(
        "the state of a prepared transaction is damaged: " + finding);
  }

  private static int headerSize(PgVersion version) {
    return version == PgVersion.V14 ? 64 : 72;
  }

  /// Subtransactions, relations twice, from 15 statistics twice, invalidations.
  private static int countedParts(PgVersion version) {
    return version == PgVersion.V14 ? 4 : 6;
  }

  private static int size(PgVersion version, int part) {
    return switch (part) {
      case 0 -> XID;
      case 1, 2 -> RELATION;
      default -> part == countedParts(version) - 1 ? INVALIDATION : statisticsSize(version);
    };
  }

  /// The bytes that name one dropped statistics entry; version 18 made the object's id longer.
  static int statisticsSize(PgVersion version) {
    return version == PgVersion.V18 ? 16 : 12;
  }

  private static long padded(long length) {
    return (length + 7) & ~7L;
  }

  private static int crc(MemorySegment bytes) {
    var crc = new CRC32C();
    crc.update(bytes.asByteBuffer());
    return (int) crc.getValue();
  }

  /// Where part `part` begins.
  private long partAt(int part) {
    long at = headerSize(version) + padded(nameLength());
    for (int i = 0; i < part; i++) {
      at += padded((long) count(i) * size(version, i));
    }
    return at;
  }

  private int count(int part) {
    return bytes.get(INT, 28 + 4L * part);
  }

  private int nameLength() {
    return bytes.get(SHORT, headerSize(version) - 18) & 0xFFFF;
  }

  public int xid() {
    return bytes.get(INT, 8);
  }

  public int database() {
    return bytes.get(INT, 12);
  }

  /// When it was prepared, in microseconds since 2000.
  public long time() {
    return bytes.get(LONG, 16);
  }

  public int owner() {
    return bytes.get(INT, 24);
  }

  /// The name that COMMIT PREPARED and ROLLBACK PREPARED call it by.
  public String name() {
    return new String(
        bytes.asSlice(headerSize(version), nameLength() - 1L).toArray(BYTE),
        StandardCharsets.UTF_8);
  }

  /// The end of the transaction at its replication origin, or 0.
  public long originLsn() {
    return bytes.get(LONG, headerSize(version) - 16);
  }

  /// When it was prepared at its replication origin, in microseconds since 2000, or 0.
  public long originTime() {
    return bytes.get(LONG, headerSize(version) - 8);
  }

  public int subtransactionCount() {
    return count(0);
  }

  public int subtransaction(int i) {
    if (i < 0 || i >= count(0)) {
      throw new IllegalArgumentException("subtransaction " + i + " of " + count(0));
    }
    return bytes.get(INT, partAt(0) + (long) i * XID);
  }

  /// The file in `pg_twophase`: the state and its checksum.
  public byte[] toFile() {
    int length = (int) bytes.byteSize();
    byte[] file = new byte[length + CRC];
    MemorySegment target = MemorySegment.ofArray(file);
    MemorySegment.copy(bytes, 0, target, 0, length);
    target.set(INT, length, crc(bytes));
    return file;
  }

  /// The name of a file in `pg_twophase`: the transaction id in upper-case hex, from version 17 on
  /// with the epoch before it.
  ///
  /// @param fullXid with the epoch in the high half
  public static String fileName(PgVersion version, long fullXid) {
    return version.isAtLeast(PgVersion.V17)
        ? String.format(Locale.ROOT, "%016X", fullXid)
        : String.format(Locale.ROOT, "%08X", (int) fullXid);
  }

  /// A transaction id with its epoch, given that it is in use while `nextFullXid` is the next one
  /// to come: it is at most 2^31 behind that.
  ///
  /// @throws IllegalArgumentException if it would have to be from before the first epoch
  public static long fullXid(int xid, long nextFullXid) {
    long epoch = nextFullXid >>> 32;
    if (Integer.compareUnsigned(xid, (int) nextFullXid) > 0) {
      epoch--;
    }
    if (epoch < 0) {
      throw new IllegalArgumentException(
          "transaction %s can't be in use when %d is the next one"
              .formatted(Integer.toUnsignedString(xid), nextFullXid));
    }
    return epoch << 32 | Integer.toUnsignedLong(xid);
  }
}
