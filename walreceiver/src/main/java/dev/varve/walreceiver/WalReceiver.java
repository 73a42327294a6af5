package dev.varve.walreceiver;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Follows one PostgreSQL: connects, takes its WAL into a sink from where that ends, tells it what
/// is durable here, and connects again when anything fails.
///
/// It runs from its making until {@link #close()}. Each connection begins at the end of the last
/// record that was taken in, and the stream must continue byte by byte, so that there is neither a
/// gap nor a repeat. The slot at the source advances only past what is durable. Any thread may call
/// any method.
public final class WalReceiver implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(WalReceiver.class.getName());

  private final TaskManager tasks;
  private final Source source;
  private final WalSink.Source sinks;
  private final ReceiverSettings settings;
  private final CompletableFuture<@Nullable Void> stopping = new CompletableFuture<>();
  private final Task receiving;
  private final Task feedback;
  private volatile ReceiverState state = ReceiverState.CONNECTING;
  private volatile @Nullable Session session;
  private volatile @Nullable String lastError;
  private volatile Lsn received = Lsn.ZERO;
  private volatile Lsn sourceEnd = Lsn.ZERO;
  private volatile Lsn flushed = Lsn.ZERO;
  private volatile @Nullable Instant lastHeard;

  /// Of the receiver's thread: failures in a row.
  private int failures;

  /// The end of the last record when the last connection ended.
  private long reached;

  /// Begins to follow.
  ///
  /// @param name for people, in the list of tasks
  public WalReceiver(
      TaskManager tasks,
      String name,
      Source source,
      WalSink.Source sinks,
      ReceiverSettings settings) {
    this.tasks = tasks;
    this.source = source;
    this.sinks = sinks;
    this.settings = settings;
    receiving =
        tasks.submit(
            TaskSpec.once(TaskKind.WAL_RECEIVER, "receive WAL of " + name, this::follow)
                .restarting(settings.backoff()));
    feedback =
        tasks.submit(
            TaskSpec.every(
                TaskKind.WAL_RECEIVER,
                "report to the source of " + name,
                settings.feedback(),
                _ -> report()));
  }

  public WalReceiverStatus status() {
    remember(session);
    return new WalReceiverStatus(
        state,
        source.connection().toString(),
        source.slot().orElse(null),
        received,
        sourceEnd,
        flushed,
        lastHeard,
        lastError);
  }

  /// Tells the source now how far we are: something became durable.
  public void flushed() {
    feedback.wake();
  }

  private void report() {
    Session now = session;
    if (now == null) {
      return;
    }
    try {
      now.reportNow(settings.silence());
    } catch (IOException | PageserverException e) {
      // The receiving side finds out too, and says so.
      now.close();
    }
  }

  private void follow(Task self) throws InterruptedException {
    while (!self.isCancelled() && !stopping.isDone()) {
      Duration pause;
      try {
        connectAndStream();
        pause = settings.backoff().delay(1);
      } catch (BlockedException | PageserverException.Unsupported e) {
        pause = failed(ReceiverState.BLOCKED, e, settings.blocked());
      } catch (IOException | RuntimeException e) {
        failures++;
        pause = failed(ReceiverState.RETRYING, e, settings.backoff().delay(failures));
      }
      if (!self.isCancelled()) {
        tasks.await(stopping, pause);
      }
    }
    state = ReceiverState.STOPPED;
  }

  private Duration failed(ReceiverState newState, Exception e, Duration pause) {
    if (stopping.isDone()) {
      return pause;
    }
    boolean isSentence = e instanceof IOException || e instanceof PageserverException;
    String sentence = isSentence ? String.valueOf(e.getMessage()) : e.toString();
    boolean isNews = !sentence.equals(lastError);
    lastError = sentence;
    state = newState;
    if (isNews) {
      LOG.log(WARNING, () -> receiving.spec().name() + " failed: " + sentence);
    }
    return pause;
  }

  private void connectAndStream() throws IOException {
    try (ReplicationClient client = ReplicationClient.connect(source.connection());
        WalSink sink = sinks.open();
        var now = new Session(source, client, sink, tasks.clock())) {
      Instant begin = tasks.clock().instant();
      session = now;
      if (stopping.isDone()) {
        return;
      }
      try {
        now.run(settings.silence(), this::streaming);
      } finally {
        remember(now);
        session = null;
        judge(now, Duration.between(begin, tasks.clock().instant()));
      }
    }
  }

  /// A connection that brought something, or lasted, is not one more failure in a row. To hear of
  /// the source is not enough: it is ready to send a record that can't be taken in for ever.
  private void judge(Session ended, Duration lasted) {
    if (Long.compareUnsigned(ended.applied(), reached) > 0
        || lasted.compareTo(settings.silence()) > 0) {
      failures = 0;
    }
    reached = ended.applied();
  }

  private void streaming() {
    state = ReceiverState.STREAMING;
    LOG.log(INFO, () -> receiving.spec().name() + " streams from " + source.connection());
  }

  private void remember(@Nullable Session from) {
    if (from != null) {
      received = from.received();
      sourceEnd = from.sourceEnd();
      flushed = from.reportedFlush();
      lastHeard = from.lastHeard();
    }
  }

  /// Ends the connection after a last word to the source, and waits until nothing is fed any more.
  @Override
  public void close() {
    report();
    stopping.complete(null);
    Session now = session;
    if (now != null) {
      now.close();
    }
    feedback.cancel();
    try {
      while (!tasks.await(receiving.end(), Duration.ofMillis(100))) {
        // It may have connected just now.
        now = session;
        if (now != null) {
          now.close();
        }
      }
    } catch (InterruptedException e) {
      receiving.cancel();
      Thread.currentThread().interrupt();
    }
    state = ReceiverState.STOPPED;
  }
}
