package dev.varve.task;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// A task that was handed to the {@link TaskManager}: its state, and the handle to it.
///
/// All state is guarded by the manager's lock, which is held only for a few assignments.
public final class Task {

  private final TaskManager manager;
  private final TaskSpec spec;
  private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();
  private final TaskHistory history = new TaskHistory();
  private TaskState state = TaskState.WAITING;
  private volatile boolean cancelled;
  private boolean wokenMeanwhile;

  /// Whether a run that fails now is followed by another at once.
  private boolean hurriedMeanwhile;

  private @Nullable Thread runner;
  private @Nullable Instant nextRun;
  private @Nullable Runnable timer;

  Task(TaskManager manager, TaskSpec spec) {
    this.manager = manager;
    this.spec = spec;
  }

  public TaskSpec spec() {
    return spec;
  }

  /// Whether the body should return soon. Its thread is interrupted as well, unless it is one of
  /// those that compute ({@link TaskKind.Threads#isInterruptible}): such a body has to ask.
  public boolean isCancelled() {
    return cancelled;
  }

  /// Completed when the task will not run again: normally, with its failure, or, when it was
  /// cancelled, with a {@link java.util.concurrent.CancellationException}.
  public CompletableFuture<@Nullable Void> end() {
    return end;
  }

  /// Makes an idle or scheduled task run now, and a running one once more after this run. A task
  /// that is backing off keeps its delay.
  public void wake() {
    synchronized (manager.lock) {
      switch (state) {
        case IDLE, SCHEDULED -> enqueue();
        case RUNNING -> wokenMeanwhile = true;
        case WAITING, BACKING_OFF, DONE, FAILED, CANCELLED -> {}
      }
    }
  }

  /// As {@link #wake}, and a task that is backing off runs now, too: for somebody who waits for it
  /// and has reason to believe that it works again. How often it has failed still counts.
  public void hurry() {
    synchronized (manager.lock) {
      if (state == TaskState.BACKING_OFF) {
        enqueue();
      } else {
        hurriedMeanwhile |= state == TaskState.RUNNING;
        wake();
      }
    }
  }

  /// Asks the task to end and returns at once; {@link #end()} tells when it has.
  public void cancel() {
    synchronized (manager.lock) {
      if (state.isFinal()) {
        return;
      }
      cancelled = true;
      if (state == TaskState.RUNNING) {
        if (runner != null && spec.kind().threads().isInterruptible()) {
          runner.interrupt();
        }
      } else {
        finish(TaskState.CANCELLED, null);
      }
    }
  }

  public TaskState state() {
    synchronized (manager.lock) {
      return state;
    }
  }

  public TaskReport report() {
    synchronized (manager.lock) {
      return new TaskReport(
          spec.kind(),
          spec.name(),
          spec.lane(),
          state,
          history.runs(),
          history.failures(),
          history.lastFailure(),
          nextRun);
    }
  }

  /// Under the manager's lock.
  void begin() {
    switch (spec.repeat()) {
      case Repeat.Once _ -> enqueue();
      case Repeat.Every(Duration period) -> sleep(TaskState.SCHEDULED, period);
      case Repeat.OnDemand _ -> state = TaskState.IDLE;
    }
  }

  private void enqueue() {
    stopTimer();
    state = TaskState.WAITING;
    manager.enqueue(this);
  }

  private void sleep(TaskState newState, Duration delay) {
    state = newState;
    nextRun = manager.threads.clock().instant().plus(delay);
    timer = manager.threads.schedule(delay, () -> wakeAfter(newState));
  }

  private void wakeAfter(TaskState expected) {
    synchronized (manager.lock) {
      if (state == expected) {
        enqueue();
      }
    }
  }

  private void stopTimer() {
    if (timer != null) {
      timer.run();
      timer = null;
    }
    nextRun = null;
  }

  /// One run, on a thread of its kind.
  void run() {
    synchronized (manager.lock) {
      if (state != TaskState.WAITING) {
        return; // cancelled before it began
      }
      state = TaskState.RUNNING;
      runner = Thread.currentThread();
      history.began();
    }
    Throwable failure = null;
    try {
      spec.body().run(this);
    } catch (Throwable e) {
      failure = e;
    }
    synchronized (manager.lock) {
      runner = null;
      Thread.interrupted(); // an interrupt of ours must not reach the thread's next task
      ended(failure);
    }
  }

  private void ended(@Nullable Throwable failure) {
    boolean again = wokenMeanwhile;
    boolean hurried = hurriedMeanwhile;
    wokenMeanwhile = false;
    hurriedMeanwhile = false;
    if (failure == null) {
      history.endedWell();
      manager.ranWell(this);
    } else {
      history.failed(failure);
    }
    if (cancelled && (failure != null || !(spec.repeat() instanceof Repeat.Once))) {
      finish(TaskState.CANCELLED, null);
    } else if (failure != null) {
      retryOrFail(failure, hurried);
    } else {
      switch (spec.repeat()) {
        case Repeat.Once _ -> finish(TaskState.DONE, null);
        case Repeat.Every(Duration period) -> sleep(TaskState.SCHEDULED, period);
        case Repeat.OnDemand _ -> {
          state = TaskState.IDLE;
          if (again) {
            enqueue();
          }
        }
      }
    }
  }

  private void retryOrFail(Throwable failure, boolean hurried) {
    Backoff backoff = spec.backoff();
    if (backoff == null || manager.isClosing()) {
      finish(TaskState.FAILED, failure);
    } else if (hurried) {
      manager.log(this, failure, Duration.ZERO);
      enqueue();
    } else {
      Duration delay = backoff.delay(history.failures());
      manager.log(this, failure, delay);
      sleep(TaskState.BACKING_OFF, delay);
    }
  }

  private void finish(TaskState last, @Nullable Throwable failure) {
    stopTimer();
    state = last;
    manager.finished(this, failure);
  }
}
