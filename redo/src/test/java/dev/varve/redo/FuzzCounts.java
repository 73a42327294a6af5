package dev.varve.redo;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/// How often what came of records and changes, for each resource manager.
final class FuzzCounts {

  /// What came of a record, or of a change.
  enum Outcome {
    /// The decoder refused the record.
    REFUSED,
    /// Redo made a page.
    PAGE,
    /// The page had the change already.
    SKIPPED,
    CORRUPTED,
    UNSUPPORTED
  }

  private static final int MANAGERS = 256;
  private static final int BUILT_IN = 22;

  private final Map<Outcome, long[]> counts = new EnumMap<>(Outcome.class);

  void add(int rmgr, Outcome outcome) {
    row(outcome)[rmgr]++;
  }

  void add(FuzzCounts other) {
    other.counts.forEach(
        (outcome, row) -> Arrays.setAll(row(outcome), i -> of(i, outcome) + row[i]));
  }

  private long[] row(Outcome outcome) {
    return counts.computeIfAbsent(outcome, _ -> new long[MANAGERS]);
  }

  long of(int rmgr, Outcome outcome) {
    return row(outcome)[rmgr];
  }

  long total(Outcome outcome) {
    return Arrays.stream(row(outcome)).sum();
  }

  /// A line an outcome; extensions' managers are in the total only.
  @Override
  public String toString() {
    var table = new StringBuilder();
    for (Outcome outcome : Outcome.values()) {
      table.append("%12s %10d, by manager:".formatted(outcome, total(outcome)));
      for (int rmgr = 0; rmgr < BUILT_IN; rmgr++) {
        if (of(rmgr, outcome) > 0) {
          table.append(" %d:%d".formatted(rmgr, of(rmgr, outcome)));
        }
      }
      table.append('\n');
    }
    return table.toString();
  }
}
