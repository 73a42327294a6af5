package dev.varve.postgres.record;

import static dev.varve.postgres.PgLayout.INT;

import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// A multixact comes into being, or the files of multixacts grow or lose their oldest pages.
///
/// | type | 14 to 16 | from 17 | field                                                          |
/// |------|----------|---------|----------------------------------------------------------------|
/// | `00` | 0-3      | 0-7     | ZERO_OFF_PAGE: the number of the page of offsets               |
/// | `10` | 0-3      | 0-7     | ZERO_MEM_PAGE: the number of the page of members               |
/// | `20` | 0-3      | =       | CREATE_ID: the multixact's id                                  |
/// |      | 4-7      | =       | the offset of its first member                                 |
/// |      | 8-11     | =       | number of members                                              |
/// |      | 12-      | =       | for each member: transaction id, status, a `u32` each          |
/// | `30` | 0-3      | =       | TRUNCATE_ID: database that has the oldest multixact            |
/// |      | 4-11     | =       | first multixact id that goes, first that stays                 |
/// |      | 12-19    | =       | first member offset that goes, first that stays                |
///
/// PostgreSQL's `access/multixact.h`. Ids and offsets are unsigned and wrap around.
public sealed interface MultixactRecord {

  record ZeroOffsetsPage(long page) implements MultixactRecord {}

  record ZeroMembersPage(long page) implements MultixactRecord {}

  /// @param members borrowed from the record: 8 bytes for each member
  record Create(int multi, int offset, MemorySegment members) implements MultixactRecord {

    private static final int MEMBER = 8;

    public int count() {
      return (int) (members.byteSize() / MEMBER);
    }

    public int xid(int i) {
      return members.get(INT, (long) i * MEMBER);
    }

    /// What the member does to the row: 0 to 3 locks of growing strength, 4 and 5 changes.
    public int status(int i) {
      return members.get(INT, (long) i * MEMBER + 4);
    }
  }

  /// Segments that hold only what lies before the ends may go.
  record Truncate(int database, int multiStart, int multiEnd, int memberStart, int memberEnd)
      implements MultixactRecord {}

  /// @throws WalException if it is of no known type, or not as long as its type is
  static MultixactRecord read(WalRecord record) {
    return read(Payload.of(record, "MultiXact"));
  }

  /// @throws WalException if it is of no known type, or not as long as its type is
  static MultixactRecord read(Payload payload) {
    return switch (payload.type()) {
      case 0x00 -> {
        payload.requireExactly(CommitLogRecord.pageWidth(payload));
        yield new ZeroOffsetsPage(CommitLogRecord.page(payload));
      }
      case 0x10 -> {
        payload.requireExactly(CommitLogRecord.pageWidth(payload));
        yield new ZeroMembersPage(CommitLogRecord.page(payload));
      }
      case 0x20 -> create(payload);
      case 0x30 -> {
        payload.requireExactly(20);
        yield new Truncate(
            payload.i32(0), payload.i32(4), payload.i32(8), payload.i32(12), payload.i32(16));
      }
      default -> throw payload.unknownType();
    };
  }

  private static Create create(Payload payload) {
    int count = payload.count(8, 12, Create.MEMBER);
    payload.requireExactly(12 + (long) count * Create.MEMBER);
    var create = new Create(payload.i32(0), payload.i32(4), payload.bytes().asSlice(12));
    for (int i = 0; i < count; i++) {
      if (create.status(i) < 0 || create.status(i) > 5) {
        throw payload.damaged("gives a member the status " + create.status(i));
      }
    }
    return create;
  }
}
