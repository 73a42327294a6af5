package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.util.Map;
import java.util.TreeMap;

/// Counts the paths that a log takes through redo of GIN: by record type, by block, and by what
/// else decides.
///
/// | path                              | what is special                                          |
/// |-----------------------------------|----------------------------------------------------------|
/// | `… entry inner`, `… data inner`   | an inner page of the entry tree, of a posting tree       |
/// | `… entry leaf`, `… replace`       | a leaf of the entry tree, in place of an item            |
/// | `… data leaf`, ` -`, ` +`, ` =`, ` add` | a leaf of a posting tree: of which a segment goes, comes, is replaced, gets TIDs; `any` and one of these counts the records that have it among others |
/// | `… tuples`, `… link`, `… first`   | the tail of the pending list gets tuples, or a right sibling; or there was no list |
/// | `… last`, `… inner`               | the page of the pending list is the last, or not         |
/// | `… restored`                      | the record has the page's image: redo has nothing to do  |
final class GinPaths implements OracleRun.Witness {

  private static final String[] ACTIONS = {"", " -", " +", " =", " add"};

  private final Map<String, Integer> counts = new TreeMap<>();

  Map<String, Integer> counts() {
    return counts;
  }

  @Override
  public void record(WalRecord record) {
    if (record.rmgr() != ResourceManager.GIN.id()) {
      return;
    }
    String type = RecordType.name(record.version(), record.rmgr(), record.info());
    String kind = kind(record);
    for (int i = 0; i < record.blockCount(); i++) {
      String block = type + " " + record.blockId(i);
      if (record.hasImage(i) && record.imageApplies(i)) {
        count(block + " restored");
      } else {
        count(block + kind);
        for (int action = 1; action < ACTIONS.length; action++) {
          if (kind.contains(ACTIONS[action])) {
            count(block + " any" + ACTIONS[action]);
          }
        }
      }
    }
  }

  private void count(String path) {
    counts.merge(path, 1, Integer::sum);
  }

  /// What is special about a record; empty when nothing is, or it is none of GIN.
  static String kind(WalRecord record) {
    if (record.rmgr() != ResourceManager.GIN.id()) {
      return "";
    }
    return switch (record.info() & 0xF0) {
      case 0x20 -> insert(record);
      case 0x30 -> tree(record, 24);
      case 0x60 -> main(record, 80) != 0 ? " tuples" : main(record, 72) != -1 ? " link" : " first";
      case 0x70 -> main(record, 0) == -1 ? " last" : " inner";
      case 0x90 -> actions(record);
      default -> "";
    };
  }

  private static String insert(WalRecord record) {
    String tree = tree(record, 0);
    return switch (tree) {
      case " data leaf" -> tree + actions(record);
      case " entry leaf" ->
          record.hasData(0) && (data(record, 2) & 0xFF) != 0 ? tree + " replace" : tree;
      default -> tree;
    };
  }

  private static String tree(WalRecord record, int flagsAt) {
    int flags = record.bytes().get(PgLayout.SHORT, record.mainDataOffset() + flagsAt);
    return ((flags & 1) != 0 ? " data" : " entry") + ((flags & 2) != 0 ? " leaf" : " inner");
  }

  private static String actions(WalRecord record) {
    if (!record.hasData(0)) {
      return "";
    }
    int seen = 0;
    int at = 2;
    for (int count = data(record, 0); count > 0; count--) {
      int action = data(record, at) >>> 8;
      seen |= 1 << action;
      at += 2;
      at +=
          switch (action) {
            case 2, 3 -> 8 + (data(record, at + 6) + 1 & -2);
            case 4 -> 2 + 6 * data(record, at);
            default -> 0;
          };
    }
    var text = new StringBuilder();
    for (int action = 1; action < ACTIONS.length; action++) {
      text.append((seen & 1 << action) != 0 ? ACTIONS[action] : "");
    }
    return text.toString();
  }

  private static int main(WalRecord record, int at) {
    return record.bytes().get(PgLayout.INT, record.mainDataOffset() + at);
  }

  private static int data(WalRecord record, int at) {
    return record.bytes().get(PgLayout.SHORT, record.dataOffset(0) + at) & 0xFFFF;
  }
}
