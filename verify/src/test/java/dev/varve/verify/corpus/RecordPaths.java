package dev.varve.verify.corpus;

import dev.varve.postgres.wal.RecordHandler;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Counts the paths that a log takes through redo: by record type, what else decides, and block id;
/// of blocks that are compared with an image that is in the record for this purpose. Such as
/// `Btree/SPLIT_L posting: 0`.
///
/// | path            | what is special                                                       |
/// |-----------------|-----------------------------------------------------------------------|
/// | `… restored: 0` | the record has the page's image: redo puts it in place                |
/// | `…, map: 1`     | the block is of another fork: `free space`, `map`, `init fork`        |
/// | `…` alone       | the record names no block                                             |
///
/// The rest is told by {@link BtreePaths}, {@link HashPaths}, {@link GinPaths} and {@link
/// GistPaths}.
final class RecordPaths implements RecordHandler {

  private static final String[] FORKS = {"", ", free space", ", map", ", init fork"};

  private final SortedMap<String, Integer> counts = new TreeMap<>();

  SortedMap<String, Integer> counts() {
    return counts;
  }

  @Override
  public void record(WalRecord record) {
    String type = RecordType.fullName(record.version(), record.rmgr(), record.info());
    List<String> kinds = kinds(record);
    for (int i = 0; i < record.blockCount(); i++) {
      String block = FORKS[record.fork(i)] + ": " + record.blockId(i);
      if (record.hasImage(i) && record.imageApplies(i)) {
        count(type + " restored" + block);
      } else if (record.hasImage(i)) {
        kinds.forEach(kind -> count(type + kind + block));
      }
    }
    if (record.blockCount() == 0) {
      kinds.forEach(kind -> count(type + kind));
    }
  }

  private void count(String path) {
    counts.merge(path, 1, Integer::sum);
  }

  /// What is special about a record, in one name, and perhaps in others; one of them is empty when
  /// nothing is.
  private static List<String> kinds(WalRecord record) {
    return record.rmgr() == ResourceManager.GIN.id()
        ? GinPaths.kinds(record)
        : List.of(kind(record));
  }

  /// What is special about a record, in one name; empty when nothing is.
  static String kind(WalRecord record) {
    return switch (ResourceManager.of(record.rmgr())) {
      case BTREE -> BtreePaths.kind(record);
      case HASH -> HashPaths.kind(record);
      case GIN -> GinPaths.kind(record);
      case GIST -> GistPaths.gist(record);
      case SPGIST -> GistPaths.spgist(record);
      default -> "";
    };
  }

  /// The paths that are listed a line each, type and kind, then the ids of the blocks: such as
  /// `Btree/SPLIT_L posting: 0 1`.
  static List<String> listed(String lines) {
    return lines.lines().flatMap(RecordPaths::blocks).toList();
  }

  private static Stream<String> blocks(String line) {
    int ids = line.lastIndexOf(':');
    return ids < 0
        ? Stream.of(line)
        : Stream.of(line.substring(ids + 2).split(" ")).map(id -> line.substring(0, ids + 2) + id);
  }
}
