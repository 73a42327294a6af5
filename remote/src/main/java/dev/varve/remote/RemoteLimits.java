package dev.varve.remote;

import dev.varve.task.Backoff;
import java.time.Duration;

/// The limits of all use of a store.
///
/// @param requests how many are under way at once
/// @param backoff how long to wait before another attempt; the wait is random, half of this to all
/// @param attempt how long an attempt may take that moves nothing
/// @param bytesPerSecond for what is moved an attempt gets the time that it takes at this speed
/// @param downloadRange a download is made of ranges of this size, so that a failure does not cost
///   all of it
public record RemoteLimits(
    int requests, Backoff backoff, Duration attempt, long bytesPerSecond, long downloadRange) {

  public static final RemoteLimits DEFAULT =
      new RemoteLimits(
          64,
          new Backoff(Duration.ofMillis(100), Duration.ofSeconds(10)),
          Duration.ofSeconds(20),
          1 << 20,
          64 << 20);

  public RemoteLimits {
    boolean positive = requests > 0 && bytesPerSecond > 0 && downloadRange > 0;
    if (!positive || !attempt.isPositive()) {
      throw new IllegalArgumentException("all limits must be positive");
    }
  }

  Duration attempt(long bytes) {
    return attempt.plusSeconds(bytes / bytesPerSecond);
  }
}
