package dev.varve.remote;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Says once when a store, or another thing that is far away, goes on failing, every hour that it
/// still does, and once when it is back; so whoever meets the failures need not. Any thread may
/// call any method.
public final class Outages {

  private static final System.Logger LOG = System.getLogger(Outages.class.getName());

  /// Fewer failures in a row are everyday.
  private static final int TELLING = 3;

  private static final Duration AGAIN = Duration.ofHours(1);

  /// An outage that begins so soon after the last is the same one, with answers in between.
  private static final Duration APART = Duration.ofMinutes(10);

  private final String what;
  private final InstantSource clock;
  private volatile Supplier<String> waiting = () -> "";
  private RemoteCounts.@Nullable Outage current;
  private boolean isTold;
  private Instant lastTold = Instant.MIN;
  private Instant lastEnd = Instant.MIN;

  /// @param what fails, such as `the object store`
  public Outages(String what, InstantSource clock) {
    this.what = what;
    this.clock = clock;
  }

  /// Whether a failure is one that this tells of, so that nobody else has to: it is nobody's fault
  /// here, and passes.
  public static boolean isTold(Throwable failure) {
    return failure instanceof StoreException.Unavailable
        || failure instanceof StoreException.Throttled;
  }

  /// @param sentence says what waits for the end of an outage, whoever's thread asks; may be empty
  public void setWaiting(Supplier<String> sentence) {
    waiting = sentence;
  }

  synchronized Optional<RemoteCounts.Outage> current() {
    return Optional.ofNullable(current);
  }

  /// There was an answer.
  public synchronized void answered() {
    RemoteCounts.Outage past = current;
    current = null;
    if (past == null || past.failures() < TELLING) {
      return;
    }
    lastEnd = clock.instant();
    if (isTold) {
      isTold = false;
      LOG.log(INFO, "{0} answers again after {1}", what, time(past, lastEnd));
    }
  }

  /// There was none, or one that it can't be used.
  public void failed(StoreException failure) {
    RemoteCounts.Outage outage = note(failure);
    if (outage == null) {
      return;
    }
    String message = failure.getMessage();
    if (outage.failures() == TELLING) {
      LOG.log(WARNING, "{0} fails and is tried again: {1}", what, message);
    } else {
      String wait = waiting.get();
      LOG.log(
          WARNING,
          "{0} has failed for {1}{2}: {3}",
          what,
          time(outage, clock.instant()),
          wait.isEmpty() ? "" : "; " + wait,
          message);
    }
  }

  /// @return null when nothing is to be said
  private synchronized RemoteCounts.@Nullable Outage note(StoreException failure) {
    Instant now = clock.instant();
    Instant since = current == null ? now : current.since();
    int failures = current == null ? 1 : current.failures() + 1;
    var outage = new RemoteCounts.Outage(since, failures, failure.getMessage());
    current = outage;
    boolean isNew = !isTold && (lastEnd.equals(Instant.MIN) || !now.isBefore(lastEnd.plus(APART)));
    boolean isLate = lastTold.equals(Instant.MIN) || !now.isBefore(lastTold.plus(AGAIN));
    if (failures < TELLING || !(isNew || isLate)) {
      return null;
    }
    isTold = true;
    lastTold = now;
    return outage;
  }

  private static String time(RemoteCounts.Outage outage, Instant now) {
    Duration time = Duration.between(outage.since(), now);
    return time.toHours() > 0
        ? time.toHours() + " h " + time.toMinutesPart() + " min"
        : time.toMinutes() > 0
            ? time.toMinutes() + " min " + time.toSecondsPart() + " s"
            : time.toSeconds() + " s";
  }
}
