package dev.varve.timeline;

import dev.varve.layer.LayerFiles;
import dev.varve.layer.MemoryBudget;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// What all timelines of a server share.
///
/// @param model what is stored
/// @param unknown tenants with timelines of which it can't be read what they need of others
/// @param progress fires whenever a flush has ended or a timeline goes: for writers that wait
/// @param records what is known of each tenant
/// @param remote what the tenants have in the object store; null: there is none
record Shared(
    TaskManager tasks,
    TimelineSettings settings,
    MemoryBudget budget,
    LayerFiles files,
    DataModel model,
    Set<TenantId> unknown,
    PageCache pages,
    PageBuilders builders,
    BatchBuffers batches,
    Signal progress,
    TenantRecords records,
    @Nullable RemoteTenants remote) {

  /// Does a step that changes which timelines there are, or what they do, in a lane's turn.
  ///
  /// @throws PageserverException of the step itself, or because it could not be done
  <T> T inLane(String step, String lane, Callable<T> body) {
    try {
      return tasks.call(TaskKind.STRUCTURE, step, lane, body);
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case PageserverException cause -> throw cause;
        case IOException cause ->
            throw new PageserverException.Unavailable(step + ": " + FailureText.of(cause), cause);
        case null, default -> throw new IllegalStateException(step, e.getCause());
      }
    } catch (RejectedExecutionException e) {
      throw new PageserverException.Unavailable(step + ": the server shuts down", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable(step + " was interrupted, and goes on");
    }
  }

  /// Something could not be written. If the disk is full, what the object store has makes room.
  void noteFailure(Throwable failure) {
    if (remote != null) {
      remote.noteFailure(failure);
    }
  }

  /// What whoever waited is told when its thread was interrupted; it stays so.
  PageserverException.Unavailable stopped(String what) {
    Thread.currentThread().interrupt();
    return new PageserverException.Unavailable(what + " was stopped");
  }
}
