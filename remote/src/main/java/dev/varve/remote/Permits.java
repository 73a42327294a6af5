package dev.varve.remote;

import dev.varve.task.TaskThreads;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Lets so many requests be under way at once, and others wait: the more urgent go first, those of
/// the same urgency in the order they came.
///
/// A quarter of the permits is for reads alone, so that a page never waits until one of many
/// uploads is done; at most half goes to what is in the background. Whoever was passed over {@value
/// #MOST_PASSED_OVER} times goes next, whoever else waits. Any thread may call any method.
final class Permits {

  static final int MOST_PASSED_OVER = 8;

  private final TaskThreads threads;
  private final int most;
  private final Map<Urgency, Line> lines = new EnumMap<>(Urgency.class);
  private int used;

  /// Of one who waits.
  private static final class Turn {
    final CompletableFuture<Void> granted = new CompletableFuture<>();
  }

  private static final class Line {
    final ArrayDeque<Turn> waiting = new ArrayDeque<>();
    int used;
    int passedOver;
  }

  Permits(TaskThreads threads, int most) {
    this.threads = threads;
    this.most = most;
    for (Urgency urgency : Urgency.values()) {
      lines.put(urgency, new Line());
    }
  }

  /// @return false if there was none in time
  boolean acquire(Urgency urgency, Duration limit) throws InterruptedException {
    var turn = new Turn();
    synchronized (this) {
      line(urgency).waiting.add(turn);
      grant();
    }
    boolean waits = true;
    try {
      threads.await(turn.granted, limit);
      waits = false;
    } finally {
      if (waits) {
        withdraw(urgency, turn, true);
      }
    }
    return withdraw(urgency, turn, false);
  }

  /// @param giveBack whether the permit is not wanted any more
  /// @return whether it was granted
  private synchronized boolean withdraw(Urgency urgency, Turn turn, boolean giveBack) {
    if (line(urgency).waiting.remove(turn)) {
      return false;
    }
    if (giveBack) {
      release(urgency);
    }
    return true;
  }

  synchronized void release(Urgency urgency) {
    line(urgency).used--;
    used--;
    grant();
  }

  /// How many wait.
  synchronized int waiting(Urgency urgency) {
    return line(urgency).waiting.size();
  }

  synchronized Map<Urgency, Integer> waiting() {
    var waiting = new EnumMap<Urgency, Integer>(Urgency.class);
    for (Urgency urgency : Urgency.values()) {
      waiting.put(urgency, waiting(urgency));
    }
    return waiting;
  }

  private Line line(Urgency urgency) {
    Line line = lines.get(urgency);
    if (line == null) {
      throw new IllegalStateException("every urgency has a line");
    }
    return line;
  }

  private void grant() {
    for (Urgency next = next(); next != null; next = next()) {
      for (Urgency lower : Urgency.values()) {
        Line line = line(lower);
        if (lower.compareTo(next) > 0 && !line.waiting.isEmpty()) {
          line.passedOver++;
        }
      }
      Line line = line(next);
      line.passedOver = 0;
      line.used++;
      used++;
      line.waiting.remove().granted.complete(null);
    }
  }

  private @Nullable Urgency next() {
    Urgency next = null;
    for (Urgency urgency : Urgency.values()) {
      boolean mayGo = !line(urgency).waiting.isEmpty() && hasRoom(urgency);
      boolean overdue = line(urgency).passedOver >= MOST_PASSED_OVER;
      if (mayGo && (next == null || overdue)) {
        next = urgency;
      }
    }
    return next;
  }

  private boolean hasRoom(Urgency urgency) {
    int others = used - line(Urgency.READ).used;
    return used < most
        && switch (urgency) {
          case READ -> true;
          case UPLOAD -> others < most - most / 4;
          case BACKGROUND -> others < most - most / 4 && line(urgency).used < (most + 1) / 2;
        };
  }
}
