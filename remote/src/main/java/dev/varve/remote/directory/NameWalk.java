package dev.varve.remote.directory;

import dev.varve.remote.ObjectName;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// Finds the names of objects in order, a page at a time. Holds the names of one directory for each
/// level at once.
final class NameWalk {

  /// A child of a directory, as it sorts: a directory sorts as what its objects' names go on with.
  private record Entry(Path path, String key, boolean isDirectory) {}

  private final String prefix;
  private final String after;
  private final int most;
  private final List<ObjectName> found = new ArrayList<>();
  private int foreign;

  /// @param most more are not looked for
  NameWalk(String prefix, String after, int most) {
    this.prefix = prefix;
    this.after = after;
    this.most = most;
  }

  List<ObjectName> found() {
    return found;
  }

  int foreign() {
    return foreign;
  }

  void walk(Path root) throws IOException {
    walk(root, "");
  }

  private void walk(Path directory, String base) throws IOException {
    for (Entry entry : entries(directory, base)) {
      if (found.size() == most) {
        return;
      }
      if (entry.isDirectory) {
        if (mayHold(entry.key)) {
          walk(entry.path, entry.key);
        }
      } else if (entry.key.startsWith(prefix) && entry.key.compareTo(after) > 0) {
        found.add(new ObjectName(entry.key));
      }
    }
  }

  /// Whether a directory whose names begin with `key` may hold some that are asked for.
  private boolean mayHold(String key) {
    boolean inPrefix = key.startsWith(prefix) || prefix.startsWith(key);
    boolean afterAll = key.compareTo(after) > 0 || after.startsWith(key);
    return inPrefix && afterAll;
  }

  private List<Entry> entries(Path directory, String base) throws IOException {
    var entries = new ArrayList<Entry>();
    try (DirectoryStream<Path> children = Files.newDirectoryStream(directory)) {
      for (Path child : children) {
        String name = child.getFileName().toString();
        if (name.startsWith(".")) {
          continue; // the store's own
        }
        if (Files.isDirectory(child)) {
          entries.add(new Entry(child, base + name + "/", true));
        } else if (name.endsWith(DirectoryStore.SUFFIX)
            && ObjectName.isValid(base + withoutSuffix(name))) {
          entries.add(new Entry(child, base + withoutSuffix(name), false));
        } else {
          foreign++;
        }
      }
    } catch (NoSuchFileException e) {
      if (base.isEmpty()) {
        throw e; // a store that is gone is not an empty one
      }
      return List.of(); // emptied and removed meanwhile
    }
    entries.sort(Comparator.comparing(Entry::key));
    return entries;
  }

  private static String withoutSuffix(String name) {
    return name.substring(0, name.length() - DirectoryStore.SUFFIX.length());
  }
}
