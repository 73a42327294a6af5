package dev.varve.timeline;

import dev.varve.model.PageserverException;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.time.Duration;
import java.util.Collection;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What is done for all timelines of a server from time to time, from its making until it is
/// closed: old layers are flushed, memory is made free, and GC cutoffs are moved.
final class Housekeeping {

  private final Collection<Timeline> timelines;
  private final BackPressure backPressure;
  private final Shared shared;
  private final Task flushing;
  private final @Nullable Task collecting;

  /// @param timelines all there are; a view that changes
  Housekeeping(Collection<Timeline> timelines, BackPressure backPressure, Shared shared) {
    this.timelines = timelines;
    this.backPressure = backPressure;
    this.shared = shared;
    TaskManager tasks = shared.tasks();
    flushing =
        tasks.submit(
            TaskSpec.every(
                TaskKind.HOUSEKEEPING,
                "freeze old layers",
                shared.settings().checkpointTimeout().dividedBy(20),
                _ -> keepHouse()));
    Duration period = shared.settings().retention().period();
    collecting =
        period.isZero()
            ? null
            : tasks.submit(
                TaskSpec.every(
                    TaskKind.HOUSEKEEPING,
                    "move GC cutoffs",
                    period,
                    _ -> forEach(timeline -> timeline.upkeep().collectGarbage())));
  }

  private void keepHouse() {
    if (!shared.budget().hasRoom()) {
      backPressure.relieve();
    }
    forEach(timeline -> timeline.upkeep().run());
  }

  /// One timeline for which it can't be done does not keep the others from it.
  private void forEach(Consumer<Timeline> work) {
    PageserverException failure = null;
    for (Timeline timeline : timelines) {
      try {
        work.accept(timeline);
      } catch (PageserverException e) {
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  void close() {
    flushing.cancel();
    if (collecting != null) {
      collecting.cancel();
    }
  }
}
