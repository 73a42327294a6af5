package dev.varve.timeline;

import dev.varve.model.PageserverException;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.function.UnaryOperator;

/// The index part of a timeline, which changes on disk first. Changes come one at a time: they are
/// steps in the timeline's lane.
final class DurableIndex {

  private final TimelineFiles files;
  private final TaskManager tasks;
  private final String lane;
  private volatile IndexPart part;

  DurableIndex(TimelineFiles files, IndexPart part, TaskManager tasks, String lane) {
    this.files = files;
    this.part = part;
    this.tasks = tasks;
    this.lane = lane;
  }

  IndexPart part() {
    return part;
  }

  TimelineFiles files() {
    return files;
  }

  /// Of the tasks that change what a timeline has; one runs at a time.
  String lane() {
    return lane;
  }

  /// Changes the index part.
  ///
  /// @param then done when the new one is durable, before any other change; it does not block
  /// @throws IOException when it can't be written; then nothing has changed, but the file on disk
  ///   may be the new one
  void commit(String step, UnaryOperator<IndexPart> change, Runnable then)
      throws IOException, InterruptedException {
    try {
      tasks.call(
          TaskKind.STRUCTURE,
          step,
          lane,
          () -> {
            IndexPart changed = change.apply(part);
            files.writeIndex(changed);
            part = changed;
            then.run();
            return changed;
          });
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw new IOException(cause.getMessage(), cause);
        case RuntimeException cause -> throw cause;
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  /// Changes the index part, for somebody who waits for it.
  ///
  /// @param what for a sentence that ends with "can't be made durable"
  /// @throws PageserverException.Unavailable when it can't be written, or the thread is interrupted
  void change(String what, UnaryOperator<IndexPart> change) {
    try {
      commit("commit " + what, change, () -> {});
    } catch (IOException e) {
      throw new PageserverException.Unavailable(
          what + " can't be made durable: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable("the commit of " + what + " was stopped");
    }
  }
}
