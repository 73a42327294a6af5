package dev.varve.testkit.disk;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
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

    /// Files that were lost, and can be put back.
    private final Map<String, DiskContent> lost = new TreeMap<>();

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

    /// A file is gone for no reason.
    void lose(String name, DiskContent file) {
      lost.put(name, file);
      now.remove(name);
      synced.remove(name);
      unsynced.forEach(change -> change.names.remove(name));
    }

    /// What was lost is there again, unless another file has its name by now. What a crash may
    /// bring back is mended, too.
    void mend() {
      lost.forEach((name, file) -> {
        if (now.putIfAbsent(name, file) == null) {
          synced.put(name, file);
        }
      });
      lost.clear();
      Stream.concat(now.values().stream(), synced.values().stream())
          .forEach(node -> {
            switch (node) {
              case Directory directory -> directory.mend();
              case DiskContent file -> file.mend();
            }
          });
    }

    /// Puts another file in the place of one that is damaged or lost, with what that one was.
    void replace(String name) {
      DiskNode file = now.containsKey(name) ? now.get(name) : lost.get(name);
      if (file instanceof DiskContent damaged) {
        lost.remove(name);
        DiskContent whole = damaged.replacement();
        now.put(name, whole);
        synced.put(name, whole);
      }
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
      lost.forEach((name, file) -> left.lost.put(name, file.afterCrash(random)));
      return left;
    }
  }
}
