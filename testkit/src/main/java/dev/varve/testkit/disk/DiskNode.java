package dev.varve.testkit.disk;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// A file or a directory: as programs see it, and as a crash would leave it.
sealed interface DiskNode {

  /// What is left after a crash.
  DiskNode afterCrash(RandomGenerator random);

  /// The bytes of a file.
  final class Content implements DiskNode {

    byte[] now = new byte[0];
    byte[] synced = new byte[0];

    void sync() {
      synced = now.clone();
    }

    /// What was written since the last sync is there, or not, or in part.
    @Override
    public Content afterCrash(RandomGenerator random) {
      var left = new Content();
      left.now =
          switch (random.nextInt(3)) {
            case 0 -> synced.clone();
            case 1 -> now.clone();
            default -> torn(random);
          };
      left.sync();
      return left;
    }

    private byte[] torn(RandomGenerator random) {
      byte[] mixed = now.clone();
      int from = mixed.length == 0 ? 0 : random.nextInt(mixed.length);
      for (int i = from; i < mixed.length; i++) {
        mixed[i] = i < synced.length ? synced[i] : 0;
      }
      return mixed;
    }
  }

  /// Names. Changes since the last sync reach the disk in their order: a crash keeps some of the
  /// first of them.
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
      int kept = random.nextInt(unsynced.size() + 1);
      for (Change change : unsynced.subList(0, kept)) {
        apply(change.names, names);
      }
      var left = new Directory();
      names.forEach((name, node) -> left.now.put(name, node.afterCrash(random)));
      left.sync();
      return left;
    }
  }
}
