package dev.varve.remote;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Says once when a store goes on failing, and once when it is back. Any thread may call any
/// method.
final class Outages {

  private static final System.Logger LOG = System.getLogger(Outages.class.getName());

  /// Fewer failures in a row are everyday.
  private static final int TELLING = 3;

  private final InstantSource clock;
  private RemoteCounts.@Nullable Outage current;

  Outages(InstantSource clock) {
    this.clock = clock;
  }

  synchronized Optional<RemoteCounts.Outage> current() {
    return Optional.ofNullable(current);
  }

  /// The store has answered.
  synchronized void answered(String store) {
    RemoteCounts.Outage past = current;
    current = null;
    if (past != null && past.failures() >= TELLING) {
      Duration time = Duration.between(past.since(), clock.instant());
      LOG.log(INFO, "{0} answers again after {1} s", store, time.toSeconds());
    }
  }

  synchronized void failed(StoreException failure) {
    Instant since = current == null ? clock.instant() : current.since();
    int failures = current == null ? 1 : current.failures() + 1;
    current = new RemoteCounts.Outage(since, failures, failure.getMessage());
    if (failures == TELLING) {
      LOG.log(WARNING, "the object store fails and is tried again: {0}", failure.getMessage());
    }
  }
}
