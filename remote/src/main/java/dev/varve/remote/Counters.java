package dev.varve.remote;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/// Counts what is done with a store. Any thread may call any method.
final class Counters {

  private static final class Tally {
    final LongAdder attempts = new LongAdder();
    final LongAdder bytes = new LongAdder();
    final LongAdder queuedNanos = new LongAdder();
    final LongAdder workingNanos = new LongAdder();
    final Map<StoreException.Kind, LongAdder> failures = new EnumMap<>(StoreException.Kind.class);

    Tally() {
      for (StoreException.Kind kind : StoreException.Kind.values()) {
        failures.put(kind, new LongAdder());
      }
    }

    RemoteCounts.OfOperation counts() {
      var sums = new EnumMap<StoreException.Kind, Long>(StoreException.Kind.class);
      failures.forEach((kind, adder) -> sums.put(kind, adder.sum()));
      return new RemoteCounts.OfOperation(
          attempts.sum(),
          bytes.sum(),
          Duration.ofNanos(queuedNanos.sum()),
          Duration.ofNanos(workingNanos.sum()),
          Map.copyOf(sums));
    }
  }

  private final Map<Operation, Tally> tallies = new EnumMap<>(Operation.class);

  Counters() {
    for (Operation operation : Operation.values()) {
      tallies.put(operation, new Tally());
    }
  }

  private Tally tally(Operation operation) {
    Tally tally = tallies.get(operation);
    if (tally == null) {
      throw new IllegalStateException("every operation has a tally");
    }
    return tally;
  }

  void queued(Operation operation, Duration time) {
    tally(operation).queuedNanos.add(time.toNanos());
  }

  void ended(Operation operation, Duration time) {
    tally(operation).attempts.increment();
    tally(operation).workingNanos.add(time.toNanos());
  }

  void moved(Operation operation, long bytes) {
    tally(operation).bytes.add(bytes);
  }

  void failed(Operation operation, StoreException failure) {
    LongAdder failures = tally(operation).failures.get(failure.kind());
    if (failures != null) {
      failures.increment();
    }
  }

  Map<Operation, RemoteCounts.OfOperation> counts() {
    var counts = new EnumMap<Operation, RemoteCounts.OfOperation>(Operation.class);
    tallies.forEach((operation, tally) -> counts.put(operation, tally.counts()));
    return Map.copyOf(counts);
  }
}
