package dev.varve.remote;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/// How a store has been used since the start, and how it does.
///
/// @param operations has all of them
/// @param waiting how many wait for a permit now
/// @param outage there while the store fails and nothing has succeeded since
public record RemoteCounts(
    Map<Operation, OfOperation> operations,
    Map<Urgency, Integer> waiting,
    Optional<Outage> outage) {

  /// @param attempts all that ended, well or not
  /// @param bytes of content that was moved by those that ended well
  /// @param queued how long attempts waited until they were let in
  /// @param working how long they took
  /// @param failures how many attempts the store let fail; has all kinds
  public record OfOperation(
      long attempts,
      long bytes,
      Duration queued,
      Duration working,
      Map<StoreException.Kind, Long> failures) {}

  /// @param since the first of the failures
  /// @param failures in a row
  /// @param latest what the latest one said
  public record Outage(Instant since, int failures, String latest) {}
}
