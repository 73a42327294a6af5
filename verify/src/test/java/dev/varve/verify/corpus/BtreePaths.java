package dev.varve.verify.corpus;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.WalRecord;

/// What decides the path of a B-tree record besides its type:
///
/// | path                      | what is special                                               |
/// |---------------------------|---------------------------------------------------------------|
/// | `… posting`               | the split splits a posting list, too                          |
/// | `… few`, `many`           | one or two items are removed, or more                         |
/// | `… updates`               | posting lists are thinned out                                 |
/// | `… leaf`                  | the root is a leaf                                            |
final class BtreePaths {

  private BtreePaths() {}

  /// What is special about a record; empty when nothing is.
  static String kind(WalRecord record) {
    return switch (record.info() & 0xF0) {
      case 0x30, 0x40 -> main(record, 8) != 0 ? " posting" : "";
      case 0x70 -> removal(main(record, 4), main(record, 6));
      case 0xC0 -> removal(main(record, 0), main(record, 2));
      case 0xA0 -> main(record, 4) == 0 ? " leaf" : "";
      default -> "";
    };
  }

  private static String removal(int removed, int updated) {
    String items = removed == 0 ? "" : removed <= 2 ? " few" : " many";
    return updated == 0 ? items : items + " updates";
  }

  private static int main(WalRecord record, int at) {
    return record.bytes().get(PgLayout.SHORT, record.mainDataOffset() + at) & 0xFFFF;
  }
}
