package dev.varve.verify;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a run has found so far. Of the thread that runs it. Hot: counting allocates nothing.
final class Findings {

  /// As many mismatches are kept to be shown; all are counted.
  static final int LISTED = 20;

  private static final int TYPES = 1 << 16;

  /// Counts of one record type: of records, then of blocks.
  static final class Count {

    private final String type;

    /// Records.
    long seen;

    /// Blocks compared with an image that is in the record for this purpose.
    long checked;

    /// Blocks whose full-page image was compared with what redo had built.
    long images;

    /// Blocks that were not as the record says.
    long mismatched;

    /// Blocks for which there is no redo.
    long unknown;

    /// Blocks that nothing in the log could be compared with.
    long unchecked;

    private Count(String type) {
      this.type = type;
    }

    private TypeCount value() {
      return new TypeCount(type, seen, checked, images, mismatched, unknown, unchecked);
    }
  }

  private final PgVersion version;
  private final @Nullable Count[] counts = new Count[TYPES];
  private final Count files = new Count("files at the end");
  private final RecentChanges recent;
  private final List<Mismatch> mismatches = new ArrayList<>();

  Findings(PgVersion version) {
    this.version = version;
    this.recent = new RecentChanges(version);
  }

  /// The counts of a record's type.
  Count of(int rmgr, int info) {
    int type = rmgr << 8 | RecordType.of(rmgr, info);
    Count count = counts[type];
    if (count == null) {
      count = new Count(RecordType.fullName(version, rmgr, info));
      counts[type] = count;
    }
    return count;
  }

  /// The counts of the comparison of files at the end.
  Count ofFiles() {
    return files;
  }

  /// A record changed a page.
  void changed(WalRecord record, Key key) {
    recent.add(record, key.upper(), key.middle(), key.lower());
  }

  /// Counts a mismatch, and keeps it if there are not too many.
  void mismatch(Count count, Lsn start, Lsn end, Key key, List<String> difference) {
    count.mismatched++;
    if (mismatches.size() < LISTED) {
      List<String> history = recent.of(key.upper(), key.middle(), key.lower());
      mismatches.add(new Mismatch(count.type, start, end, key, difference, history));
    }
  }

  List<Mismatch> mismatches() {
    return mismatches;
  }

  /// By record type, in the order of their names.
  List<TypeCount> counts() {
    var all = new ArrayList<TypeCount>();
    for (Count count : counts) {
      if (count != null && count.seen > 0) {
        all.add(count.value());
      }
    }
    all.sort(Comparator.comparing(TypeCount::type));
    if (files.checked + files.mismatched > 0) {
      all.add(files.value());
    }
    return all;
  }
}
