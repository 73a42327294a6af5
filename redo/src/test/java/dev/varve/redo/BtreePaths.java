package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.util.Map;
import java.util.TreeMap;

/// Counts the paths that a log takes through redo of B-trees: by record type, by block, and by what
/// else decides.
///
/// | path                      | what is special                                               |
/// |---------------------------|---------------------------------------------------------------|
/// | `… posting`               | the split splits a posting list, too                          |
/// | `… few`, `many`           | one or two items are removed, or more                         |
/// | `… updates`               | posting lists are thinned out                                 |
/// | `… leaf`                  | the root is a leaf                                            |
/// | `… restored`              | the record has the page's image: redo has nothing to do       |
final class BtreePaths implements OracleRun.Witness {

  private final Map<String, Integer> counts = new TreeMap<>();

  Map<String, Integer> counts() {
    return counts;
  }

  @Override
  public void record(WalRecord record) {
    if (record.rmgr() == ResourceManager.BTREE.id()) {
      String type = RecordType.name(record.version(), record.rmgr(), record.info());
      for (int i = 0; i < record.blockCount(); i++) {
        boolean restored = record.hasImage(i) && record.imageApplies(i);
        String path = type + " " + record.blockId(i) + (restored ? " restored" : kind(record));
        counts.merge(path, 1, Integer::sum);
      }
      if (record.blockCount() == 0) {
        counts.merge(type, 1, Integer::sum);
      }
    }
  }

  /// What is special about a record; empty when nothing is, or it is none of a B-tree.
  static String kind(WalRecord record) {
    if (record.rmgr() != ResourceManager.BTREE.id()) {
      return "";
    }
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
