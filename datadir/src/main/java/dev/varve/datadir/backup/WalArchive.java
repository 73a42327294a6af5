package dev.varve.datadir.backup;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.backup.WalPath;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// Which PostgreSQL timelines folders have WAL of, and how these descend from each other. A history
/// file alone tells that: a segment of a PostgreSQL timeline without one can't be placed.
final class WalArchive {

  private static final int MAX_HISTORY = 1 << 20;

  private final WalSegments segments;
  private final Map<Integer, TimelineHistory> histories =
      new TreeMap<>((a, b) -> Integer.compareUnsigned(b, a));

  /// The start of the last segment of each PostgreSQL timeline.
  private final Map<Integer, Lsn> last = new TreeMap<>(Integer::compareUnsigned);

  /// @param end of what was written on that PostgreSQL timeline, as far as it is known
  record Part(int tli, Lsn end) {}

  private WalArchive(WalSegments segments) {
    this.segments = segments;
  }

  /// Looks what there is in folders; the first that has a file gives it.
  ///
  /// @param from segments that end before it are of no interest
  static WalArchive read(Collection<Path> folders, WalSegments segments, Lsn from)
      throws IOException {
    var archive = new WalArchive(segments);
    for (Path folder : folders) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
        for (Path file : files) {
          Optional<WalFileName> name = WalFileName.parse(file.getFileName().toString());
          switch (name.orElse(null)) {
            case WalFileName.Segment(SegmentName segment) -> archive.noteSegment(segment, from);
            case WalFileName.History(int tli) -> archive.readHistory(tli, file);
            case null -> {}
          }
        }
      }
    }
    return archive;
  }

  private void noteSegment(SegmentName name, Lsn from) {
    try {
      var start = new Lsn(name.start(segments));
      if (start.value() >= segments.startOf(from.value())) {
        last.merge(name.tli(), start, Lsn::max);
      }
    } catch (IllegalArgumentException e) {
      // Of segments of another size: not of this log.
    }
  }

  private void readHistory(int tli, Path file) throws IOException {
    if (histories.containsKey(tli)) {
      return;
    }
    try (InputStream text = Unpacked.open(file)) {
      histories.put(tli, TimelineHistory.parse(text.readNBytes(MAX_HISTORY)));
    } catch (PageserverException.DataCorrupted e) {
      throw new PageserverException.InvalidRequest(
          file + " can't be read: " + e.getMessage() + "; restore it, or move it away");
    }
  }

  /// The log of a PostgreSQL timeline alone, and of its past as far as it is known.
  WalPath of(int tli) {
    return new WalPath(histories.getOrDefault(tli, TimelineHistory.NONE), tli);
  }

  /// The log of the newest PostgreSQL timeline that has all these parts in its past, as
  /// PostgreSQL's `recovery_target_timeline = latest` takes it; empty when the history of none says
  /// so.
  Optional<WalPath> newest(List<Part> parts) {
    List<WalPath> paths = new ArrayList<>();
    histories.forEach((tli, history) -> paths.add(new WalPath(history, tli)));
    paths.add(of(parts.getLast().tli()));
    return paths.stream()
        .filter(path -> parts.stream().allMatch(p -> path.contains(p.tli(), p.end())))
        .findFirst();
  }

  /// Whether there are segments of a log beyond an LSN.
  boolean goesOnAfter(WalPath path, Lsn lsn) {
    return last.entrySet().stream()
        .anyMatch(
            e -> e.getValue().isAfter(lsn) && path.tliAt(e.getValue()) == e.getKey().intValue());
  }

  /// A sentence for each PostgreSQL timeline of which there is WAL that is not on a path.
  List<String> leftOut(WalPath path) {
    List<String> sentences = new ArrayList<>();
    for (int tli : last.keySet()) {
      String number = Integer.toUnsignedString(tli);
      Lsn left = path.endOf(tli);
      if (path.contains(tli, Lsn.ZERO)) {
        if (last.getOrDefault(tli, Lsn.ZERO).isAfter(left)) {
          sentences.add(
              "the WAL of PostgreSQL timeline %s after %s was left out: %s, the newest that goes on from the backup, branches off there"
                  .formatted(number, left, Integer.toUnsignedString(path.tli())));
        }
      } else {
        sentences.add(
            histories.containsKey(tli)
                ? "the WAL of PostgreSQL timeline %s was left out: it is not in the past of %s, the newest that goes on from the backup"
                    .formatted(number, Integer.toUnsignedString(path.tli()))
                : "the WAL of PostgreSQL timeline %s was left out: %s, which says where it begins, is not there"
                    .formatted(number, TimelineHistory.fileName(tli)));
      }
    }
    return sentences;
  }
}
