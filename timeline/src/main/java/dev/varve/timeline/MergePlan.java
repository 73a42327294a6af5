package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/// Which layers to merge, and what is to become of them.
///
/// @param inputs files of the timeline. All of each counts, from its first key on that counts
/// @param level of the files to be written
/// @param reasons the inputs for whose sake it is done; the others only lie in the way
/// @param until the merge does not stop before this key because it is no longer worth while
/// @param least the merge stops where fewer of the reasons than this lie over each other
/// @param layerBytes a file ends at about this size
/// @param sliceBytes the merge stops when it has written so much
/// @param retention which versions may be dropped; null: none
record MergePlan(
    List<HistoricLayer> inputs,
    int level,
    Set<HistoricLayer> reasons,
    Key until,
    int least,
    long layerBytes,
    long sliceBytes,
    @Nullable Retention retention) {

  MergePlan {
    inputs = List.copyOf(inputs);
    reasons = Set.copyOf(reasons);
  }

  /// What must stay readable of versions before a cutoff. The inputs of a merge that drops versions
  /// are all layers that have any up to the cutoff, for the keys that are merged.
  ///
  /// @param points as of each of these LSNs, ascending, all must be as it was, and as of each LSN
  ///   after the last, which is the cutoff
  /// @param first whether there is nothing before: no ancestor that may have other versions
  /// @param verdicts which keys nobody asks for
  record Retention(
      List<Lsn> points, boolean first, BiFunction<Key, Lsn, KeyRules.Verdict> verdicts) {

    Retention {
      points = List.copyOf(points);
      if (points.isEmpty()) {
        throw new IllegalArgumentException("a cutoff is the last of the points to keep");
      }
    }

    Lsn cutoff() {
      return points.getLast();
    }
  }
}
