package dev.varve.datadir.backup;

import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.wal.SegmentName;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// What a file with WAL is called in an archive.
///
/// | name                                         | what it is                                     |
/// |----------------------------------------------|------------------------------------------------|
/// | 24 hex digits                                | a segment: {@link SegmentName}                 |
/// | … `.partial`                                 | a segment that was not full when its writer    |
/// |                                              | ended: of `pg_receivewal`, or before promotion |
/// | … `.gz`, `.lz4`, `.zst`, before or after it  | compressed                                     |
/// | eight hex digits, `.history`                 | a {@link TimelineHistory}; may be compressed   |
sealed interface WalFileName {

  /// All that may follow the name of a segment, in the order of preference.
  List<String> SEGMENT_SUFFIXES =
      List.of(
          "",
          ".gz",
          ".lz4",
          ".zst",
          ".partial",
          ".gz.partial",
          ".lz4.partial",
          ".zst.partial",
          ".partial.gz",
          ".partial.lz4",
          ".partial.zst");

  record Segment(SegmentName name) implements WalFileName {}

  /// @param tli the PostgreSQL timeline whose history it is
  record History(int tli) implements WalFileName {}

  static Optional<WalFileName> parse(String file) {
    int dot = file.indexOf('.');
    String stem = dot < 0 ? file : file.substring(0, dot);
    if (SEGMENT_SUFFIXES.contains(file.substring(stem.length()))) {
      return SegmentName.parse(stem).map(Segment::new);
    }
    OptionalInt history = TimelineHistory.parseFileName(uncompressed(file));
    return history.isPresent() ? Optional.of(new History(history.getAsInt())) : Optional.empty();
  }

  private static String uncompressed(String file) {
    for (String suffix : List.of(".gz", ".lz4", ".zst")) {
      if (file.endsWith(suffix)) {
        return file.substring(0, file.length() - suffix.length());
      }
    }
    return file;
  }
}
