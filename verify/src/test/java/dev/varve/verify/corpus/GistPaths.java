package dev.varve.verify.corpus;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;

/// What decides the path of a GiST or SP-GiST record besides its type, such as `… root` of
/// `Gist/PAGE_SPLIT` or `… new` of `SPGist/ADD_LEAF`.
final class GistPaths {

  private GistPaths() {}

  static String gist(WalRecord record) {
    return switch (record.info() & 0xF0) {
      case RecordType.GIST_PAGE_UPDATE -> {
        int added = u16(record, 2);
        yield u16(record, 0) == 1 && added == 1
            ? " overwrite"
            : some(u16(record, 0)) + (added > 0 ? " add" : "");
      }
      case RecordType.GIST_DELETE -> some(u16(record, 4));
      case RecordType.GIST_PAGE_SPLIT -> {
        int first = record.findBlock(1);
        yield (record.block(first) == 0 ? " root" : "")
            + (u8(record, 16) != 0 ? " leaf" : " inner")
            + (u16(record, 18) > 2 ? " many" : "");
      }
      default -> "";
    };
  }

  static String spgist(WalRecord record) {
    return switch (record.info() & 0xF0) {
      case RecordType.SPGIST_ADD_LEAF -> {
        String place =
            u16(record, 4) == u16(record, 2) ? " dead" : u16(record, 4) > 0 ? " chain" : "";
        yield flag(record, 0, " new") + flag(record, 1, " nulls") + place;
      }
      case RecordType.SPGIST_MOVE_LEAFS ->
          flag(record, 2, " new") + flag(record, 3, " dead") + flag(record, 4, " nulls");
      case RecordType.SPGIST_ADD_NODE ->
          record.findBlock(1) < 0
              ? " in place"
              : flag(record, 4, " new") + " parent on " + u8(record, 5);
      case RecordType.SPGIST_SPLIT_TUPLE -> flag(record, 4, " new") + flag(record, 5, " same");
      case RecordType.SPGIST_PICKSPLIT ->
          flag(record, 0, " root")
              + flag(record, 6, " src")
              + flag(record, 7, " dest")
              + flag(record, 10, " inner")
              + flag(record, 11, " nulls")
              + flag(record, 12, " parent");
      case RecordType.SPGIST_VACUUM_LEAF ->
          (u16(record, 0) > 0 ? " dead" : "")
              + (u16(record, 2) > 0 ? " placeholders" : "")
              + (u16(record, 4) > 0 ? " moves" : "")
              + (u16(record, 6) > 0 ? " links" : "");
      case RecordType.SPGIST_VACUUM_ROOT -> some(u16(record, 0));
      case RecordType.SPGIST_VACUUM_REDIRECT ->
          (u16(record, 0) > 0 ? " redirects" : "") + (u16(record, 2) > 0 ? " cut" : "");
      default -> "";
    };
  }

  private static String some(int removed) {
    return removed == 0 ? "" : removed <= 2 ? " few" : " many";
  }

  private static String flag(WalRecord record, int at, String name) {
    return u8(record, at) != 0 ? name : "";
  }

  private static int u8(WalRecord record, int at) {
    return record.bytes().get(PgLayout.BYTE, record.mainDataOffset() + at) & 0xFF;
  }

  private static int u16(WalRecord record, int at) {
    return record.bytes().get(PgLayout.SHORT, record.mainDataOffset() + at) & 0xFFFF;
  }
}
