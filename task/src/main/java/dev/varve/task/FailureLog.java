package dev.varve.task;

import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Logs why tasks fail that are tried again, so that what goes on for long, or concerns many tasks,
/// does not fill the log: a task says a sentence when it is another one than before, or an hour
/// later; and a stack trace comes once for each place that failures come from. Guarded by the
/// manager's lock.
final class FailureLog {

  private static final System.Logger LOG = System.getLogger(TaskManager.class.getName());

  private static final Duration SILENCE = Duration.ofHours(1);

  /// How many places are remembered, and sentences of how many tasks; then all are forgotten.
  private static final int MOST = 1_000;

  private static final int MOST_CAUSES = 20;

  private record Said(String sentence, Instant at) {}

  private final Set<String> traced = new HashSet<>();
  private final Map<Task, Said> said = new HashMap<>();

  void failed(Task task, Throwable failure, Duration delay, Instant now) {
    if (task.spec().told().test(failure)) {
      return;
    }
    if (traced.size() >= MOST) {
      traced.clear();
    }
    if (said.size() >= MOST) {
      said.clear();
    }
    boolean isNew = traced.add(place(failure));
    String sentence = TaskHistory.describe(failure);
    Said before = said.get(task);
    if (!isNew
        && before != null
        && before.sentence.equals(sentence)
        && now.isBefore(before.at.plus(SILENCE))) {
      return;
    }
    said.put(task, new Said(sentence, now));
    String what =
        task.spec().name() + " failed and is tried again in " + delay.toMillis() + " ms: ";
    @Nullable Throwable trace = isNew ? failure : null;
    LOG.log(WARNING, () -> what + sentence, trace);
  }

  /// A task has run well, or ended: its next failure is news.
  void forget(Task task) {
    said.remove(task);
  }

  /// Where the first of the causes was thrown.
  private static String place(Throwable failure) {
    Throwable cause = failure;
    for (int i = 0; i < MOST_CAUSES && cause.getCause() != null; i++) {
      cause = cause.getCause();
    }
    StackTraceElement[] trace = cause.getStackTrace();
    return failure.getClass().getName()
        + " "
        + cause.getClass().getName()
        + (trace.length == 0 ? "" : " at " + trace[0]);
  }
}
