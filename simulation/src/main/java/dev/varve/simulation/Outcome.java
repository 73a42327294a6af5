package dev.varve.simulation;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// What came of a run.
///
/// @param steps how many there were at most
/// @param hash of all that happened; the same seed and steps give the same
/// @param failure what was found; null: nothing
/// @param history a line for each thing that happened, if it was to be written
public record Outcome(
    long seed, int steps, long hash, @Nullable Throwable failure, List<String> history) {

  public boolean isGood() {
    return failure == null;
  }

  /// All there is to know of a failure, for people.
  public String describe() {
    var text = new StringBuilder();
    text.append("seed ").append(seed).append(", ").append(steps).append(" steps: ");
    if (failure == null) {
      return text.append("nothing found").toString();
    }
    text.append(failure).append('\n');
    for (StackTraceElement element : failure.getStackTrace()) {
      text.append("    at ").append(element).append('\n');
    }
    history.forEach(line -> text.append(line).append('\n'));
    return text.append("found: ").append(failure.getMessage()).append('\n').toString();
  }
}
