package dev.varve.testkit.disk;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A file or a directory: as programs see it, and as a crash would leave it.
sealed interface DiskNode permits DiskContent, DiskNode.Directory {

  /// What is left after a crash.
  DiskNode afterCrash(RandomGenerator random);

  /// Names. Of the changes since the last sync a crash keeps some of the first, or, on a disk that
  /// reorders, any; a rename happens as a whole.
  final class Directory implements DiskNode {

    /// What happened to one or two names at once; null: the name went.
    record Change(Map<String, @Nullable DiskNode> names) {}

    final Map<String, DiskNode> now = new TreeMap<>();
    private final Map<String, DiskNode> synced = new TreeMap<>();
    private final List<Change> unsynced = new ArrayList<>();

    void put(String name, DiskNode node) {
      change(new TreeMap<>(Map.of(name, node)));
    }

    void remove(String name) {
      var names = new TreeMap<String, @Nullable DiskNode>();
      names.put(name, null);
      change(names);
    }

    void rename(String from, String to) {
      var names = new TreeMap<String, @Nullable DiskNode>();
      names.put(to, now.get(from));
      names.put(from, null);
      change(names);
    }

    private void change(Map<String, @Nullable DiskNode> names) {
      apply(names, now);
      unsynced.add(new Change(names));
    }

    private static void apply(Map<String, @Nullable DiskNode> names, Map<String, DiskNode> target) {
      names.forEach((name, node) -> {
        if (node == null) {
          target.remove(name);
        } else {
          target.put(name, node);
        }
      });
    }

    void sync() {
      synced.clear();
      synced.putAll(now);
      unsynced.clear();
    }

    @Override
    public Directory afterCrash(RandomGenerator random) {
      var names = new TreeMap<>(synced);
      boolean reorders = random.nextBoolean();
      int kept = random.nextInt(unsynced.size() + 1);
      for (int i = 0; i < unsynced.size(); i++) {
        if (reorders ? random.nextBoolean() : i < kept) {
          apply(unsynced.get(i).names, names);
        }
      }
      var left = new Directory();
      names.forEach((name, node) -> left.now.put(name, node.afterCrash(random)));
      left.sync();
      return left;
    }
  }
}
