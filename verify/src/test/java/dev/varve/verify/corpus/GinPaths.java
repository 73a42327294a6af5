package dev.varve.verify.corpus;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.List;

/// What decides the path of a GIN record besides its type:
///
/// | path                              | what is special                                          |
/// |-----------------------------------|----------------------------------------------------------|
/// | `… entry inner`, `… data inner`   | an inner page of the entry tree, of a posting tree       |
/// | `… entry leaf`, `… replace`       | a leaf of the entry tree, in place of an item            |
/// | `… data leaf`, ` -`, ` +`, ` =`, ` add` | a leaf of a posting tree: of which a segment goes, comes, is replaced, gets TIDs; `any` and one of these counts the records that have it among others |
/// | `… tuples`, `… link`, `… first`   | the tail of the pending list gets tuples, or a right sibling; or there was no list |
/// | `… last`, `… inner`               | the page of the pending list is the last, or not         |
final class GinPaths {

  private static final String[] ACTIONS = {"", " -", " +", " =", " add"};

  private GinPaths() {}

  /// {@link #kind}, and a name for each action that it has among others.
  static List<String> kinds(WalRecord record) {
    String kind = kind(record);
    var kinds = new ArrayList<String>(List.of(kind));
    for (String action : ACTIONS) {
      if (!action.isEmpty() && kind.contains(action)) {
        kinds.add(" any" + action);
      }
    }
    return kinds;
  }

  /// What is special about a record; empty when nothing is.
  static String kind(WalRecord record) {
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
