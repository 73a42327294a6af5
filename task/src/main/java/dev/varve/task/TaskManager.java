package dev.varve.task;

import static java.lang.System.Logger.Level.ERROR;

import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Starts, orders, restarts, stops and reports all background work.
///
/// A task runs on threads that its kind chooses, never twice at once, and in its lane's turn. When
/// it fails it backs off and runs again, if its spec says so. Any thread may call any method.
public final class TaskManager implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(TaskManager.class.getName());

  /// How many tasks that ended badly are remembered for {@link #report()}.
  private static final int REMEMBERED = 64;

  /// How long {@link #close()} waits for tasks that it had to cancel.
  private static final Duration CANCEL_LIMIT = Duration.ofSeconds(5);

  final Object lock = new Object();
  final TaskThreads threads;
  private final Duration drainLimit;
  private final Lanes lanes = new Lanes();
  private final Set<Task> tasks = new LinkedHashSet<>();
  private final ArrayDeque<Task> endedBadly = new ArrayDeque<>();
  private final FailureLog log = new FailureLog();
  private boolean closing;

  /// @param drainLimit how long {@link #close()} lets tasks that are running or queued go on
  public TaskManager(TaskThreads threads, Duration drainLimit) {
    this.threads = threads;
    this.drainLimit = drainLimit;
  }

  public InstantSource clock() {
    return threads.clock();
  }

  /// @throws RejectedExecutionException when the manager is closed or closing
  public Task submit(TaskSpec spec) {
    var task = new Task(this, spec);
    synchronized (lock) {
      if (closing) {
        throw new RejectedExecutionException("shutting down: " + spec.name() + " does not start");
      }
      tasks.add(task);
      task.begin();
    }
    return task;
  }

  /// Runs `body` as a task, once, in its lane's turn, and waits for what it gives.
  ///
  /// @throws ExecutionException with the body's failure as its cause
  /// @throws InterruptedException while waiting; the task goes on
  public <T> T call(TaskKind kind, String name, String lane, Callable<T> body)
      throws ExecutionException, InterruptedException {
    var result = new AtomicReference<@Nullable T>();
    Task task = submit(TaskSpec.once(kind, name, _ -> result.set(body.call())).inLane(lane));
    while (!threads.await(task.end(), Duration.ofHours(1))) {}
    task.end().get();
    T value = result.get();
    if (value == null) {
      throw new IllegalStateException(name + " gave null");
    }
    return value;
  }

  /// To be called now and then by work that takes long: in a simulation other tasks run here.
  public void pause() {
    threads.pause();
  }

  /// Waits until `condition` is completed in any way; a simulation lets tasks run meanwhile.
  ///
  /// @return whether it was before `timeout` had passed
  public boolean await(CompletableFuture<?> condition, Duration timeout)
      throws InterruptedException {
    return threads.await(condition, timeout);
  }

  /// All tasks there are, and the latest of those that ended badly.
  public List<TaskReport> report() {
    synchronized (lock) {
      var reports = new ArrayList<TaskReport>();
      tasks.forEach(task -> reports.add(task.report()));
      endedBadly.forEach(task -> reports.add(task.report()));
      return reports;
    }
  }

  /// Accepts no more tasks, cancels those that wait for a time or a wake, lets the others finish,
  /// cancels at the limit what has not, and ends the threads.
  @Override
  public void close() {
    List<Task> left;
    synchronized (lock) {
      if (closing) {
        return;
      }
      closing = true;
      left = List.copyOf(tasks);
      for (Task task : left) {
        if (isResting(task) || !(task.spec().repeat() instanceof Repeat.Once)) {
          task.cancel();
        }
      }
    }
    boolean interrupted = !drain(left, drainLimit);
    left.forEach(Task::cancel);
    interrupted |= !drain(left, CANCEL_LIMIT);
    for (Task task : left) {
      if (!task.state().isFinal()) {
        LOG.log(ERROR, "{0} did not end in time", task.spec().name());
      }
    }
    threads.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean isResting(Task task) {
    return switch (task.state()) {
      case SCHEDULED, IDLE, BACKING_OFF -> true;
      case WAITING, RUNNING, DONE, FAILED, CANCELLED -> false;
    };
  }

  /// @return false when interrupted
  private boolean drain(List<Task> left, Duration limit) {
    var ends = left.stream().map(Task::end).toArray(CompletableFuture<?>[]::new);
    try {
      threads.await(CompletableFuture.allOf(ends), limit);
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  boolean isClosing() {
    return closing;
  }

  /// Under the lock.
  void enqueue(Task task) {
    String lane = task.spec().lane();
    if (lane == null || lanes.enter(lane, task)) {
      start(task);
    }
  }

  private void start(Task task) {
    TaskSpec spec = task.spec();
    threads.execute(spec.kind().threads(), spec.name(), () -> runInTurn(task));
  }

  private void runInTurn(Task task) {
    try {
      task.run();
    } finally {
      String lane = task.spec().lane();
      if (lane != null) {
        synchronized (lock) {
          Task next = lanes.leave(lane);
          if (next != null) {
            start(next);
          }
        }
      }
    }
  }

  /// Under the lock.
  void finished(Task task, @Nullable Throwable failure) {
    tasks.remove(task);
    log.forget(task);
    switch (task.state()) {
      case FAILED -> {
        remember(task);
        task.end().completeExceptionally(failure == null ? new CancellationException() : failure);
      }
      case CANCELLED -> task.end().cancel(false);
      case DONE, WAITING, RUNNING, SCHEDULED, IDLE, BACKING_OFF -> task.end().complete(null);
    }
  }

  private void remember(Task task) {
    endedBadly.add(task);
    if (endedBadly.size() > REMEMBERED) {
      endedBadly.remove();
    }
  }

  /// Under the lock.
  void log(Task task, Throwable failure, Duration delay) {
    log.failed(task, failure, delay, threads.clock().instant());
  }

  /// Under the lock.
  void ranWell(Task task) {
    log.forget(task);
  }
}
