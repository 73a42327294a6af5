package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// The main data of one record, borrowed, with its bounds: every read is checked, and whoever finds
/// damage can say where. All positions count from the start of the main data.
///
/// @param version who wrote it
/// @param manager the resource manager's name, for messages
/// @param info the record's info byte
/// @param bytes exactly the main data
/// @param lsn where the record begins, for messages
public record Payload(PgVersion version, String manager, int info, MemorySegment bytes, long lsn) {

  public static Payload of(WalRecord record, String manager) {
    return new Payload(
        record.version(),
        manager,
        record.info(),
        record.bytes().asSlice(record.mainDataOffset(), record.mainDataLength()),
        record.startLsn());
  }

  /// The record's type within its resource manager: the high four bits of the info byte.
  int type() {
    return info & 0xF0;
  }

  long length() {
    return bytes.byteSize();
  }

  int u8(long at) {
    requireLength(at + 1);
    return bytes.get(BYTE, at) & 0xFF;
  }

  int u16(long at) {
    requireLength(at + 2);
    return bytes.get(SHORT, at) & 0xFFFF;
  }

  int i32(long at) {
    requireLength(at + 4);
    return bytes.get(INT, at);
  }

  long i64(long at) {
    requireLength(at + 8);
    return bytes.get(LONG, at);
  }

  /// A count of things of `size` bytes each that begin at `from` and must all be there.
  int count(long at, long from, int size) {
    int count = i32(at);
    if (count < 0 || count > (length() - from) / size) {
      throw damaged(
          "announces %s items, but has %d bytes"
              .formatted(Integer.toUnsignedString(count), length()));
    }
    return count;
  }

  /// The text from `at` to the zero byte that must end it.
  String text(long at) {
    for (long end = at; end < length(); end++) {
      if (bytes.get(BYTE, end) == 0) {
        return new String(bytes.asSlice(at, end - at).toArray(BYTE), StandardCharsets.UTF_8);
      }
    }
    throw damaged("ends within a text");
  }

  void requireLength(long wanted) {
    if (length() < wanted) {
      throw damaged("has %d bytes instead of %d".formatted(length(), wanted));
    }
  }

  void requireExactly(long wanted) {
    if (length() != wanted) {
      throw damaged("has %d bytes instead of %d".formatted(length(), wanted));
    }
  }

  WalException damaged(String finding) {
    return new WalException(
        lsn, String.format(Locale.ROOT, "the %s record of type %02X %s", manager, type(), finding));
  }

  WalException unknownType() {
    return damaged("is of a type that " + version + " does not write");
  }
}
