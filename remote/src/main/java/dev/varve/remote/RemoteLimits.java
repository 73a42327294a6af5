package dev.varve.remote;

import dev.varve.task.Backoff;
import java.time.Duration;

/// The limits of all use of a store.
///
/// @param requests how many are under way at once
/// @param backoff how long to wait before another attempt; the wait is random, half of this to all
/// @param attempt how long an attempt may take that moves nothing
/// @param bytesPerSecond for what is moved an attempt gets the time that it takes at this speed
public record RemoteLimits(
    int requests, Backoff backoff, Duration attempt, long bytesPerSecond) {

  public static final RemoteLimits DEFAULT =
      new RemoteLimits(
          64,
          new Backoff(Duration.ofMillis(100), Duration.ofSeconds(10)),
          Duration.ofSeconds(20),
          1 << 20);

  public RemoteLimits {
    if (requests < 1 || !attempt.isPositive() || bytesPerSecond < 1) {
      throw new IllegalArgumentException(
          requests + " requests, " + attempt + " and " + bytesPerSecond
              + " bytes a second: all must be positive");
    }
  }

  Duration attempt(long bytes) {
    return attempt.plusSeconds(bytes / bytesPerSecond);
  }
}
