package dev.varve.verify.corpus;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;

/// What decides the path of a hash index record besides its type:
///
/// | kind                      | what is special                                                |
/// |---------------------------|----------------------------------------------------------------|
/// | `… reused`                | the overflow page was a free one                               |
/// | `… masks`, `point`        | a split changes the masks, and begins with new buckets         |
/// | `… none`, `few`, `many`   | no items move or go, one or two, or more                       |
/// | `… first`, `before`       | they move to the bucket's first page, to the page before       |
/// | `… dead`                  | no dead items are left                                         |
final class HashPaths {

  private HashPaths() {}

  /// What is special about a record; empty when nothing is.
  static String kind(WalRecord record) {
    return switch (record.info() & 0xF0) {
      case RecordType.HASH_ADD_OVFL_PAGE -> mark(record, 2, " reused");
      case RecordType.HASH_SPLIT_ALLOCATE_PAGE -> {
        int has = main(record, 8) & 0xFF;
        yield ((has & 1) != 0 ? " masks" : "") + ((has & 2) != 0 ? " point" : "");
      }
      case RecordType.HASH_MOVE_PAGE_CONTENTS -> items(main(record, 0)) + mark(record, 2, " first");
      case RecordType.HASH_SQUEEZE_PAGE ->
          items(main(record, 8)) + mark(record, 10, " first") + mark(record, 11, " before");
      case RecordType.HASH_DELETE -> items(deleted(record)) + mark(record, 0, " dead");
      case RecordType.HASH_VACUUM_ONE_PAGE -> items(main(record, 4));
      default -> "";
    };
  }

  private static int deleted(WalRecord record) {
    int last = record.blockCount() - 1;
    return record.hasData(last) ? record.dataLength(last) / 2 : 0;
  }

  private static String items(int count) {
    return count == 0 ? " none" : count <= 2 ? " few" : " many";
  }

  private static String mark(WalRecord record, int at, String name) {
    return record.bytes().get(PgLayout.BYTE, record.mainDataOffset() + at) == 0 ? "" : name;
  }

  private static int main(WalRecord record, int at) {
    return record.bytes().get(PgLayout.SHORT, record.mainDataOffset() + at) & 0xFFFF;
  }
}
