package dev.varve.simulation;

import java.util.ArrayList;
import java.util.List;

/// What happened in a run, in order: as a hash, and, when it is to be read by people, as lines.
final class History {

  private final boolean written;
  private final List<String> lines = new ArrayList<>();
  private long hash;
  private int step;

  /// @param written whether lines are kept
  History(boolean written) {
    this.written = written;
  }

  /// From now on it is this step's.
  void begin(int newStep) {
    step = newStep;
  }

  /// @param details what they print is what counts
  void note(String what, Object... details) {
    hash = hash * 31 + what.hashCode();
    for (Object detail : details) {
      hash = hash * 31 + (detail instanceof Number ? detail : detail.toString()).hashCode();
    }
    if (written) {
      var line = new StringBuilder().append(step).append(": ").append(what);
      for (Object detail : details) {
        line.append(' ').append(detail);
      }
      lines.add(line.toString());
    }
  }

  long hash() {
    return hash;
  }

  List<String> lines() {
    return List.copyOf(lines);
  }
}
