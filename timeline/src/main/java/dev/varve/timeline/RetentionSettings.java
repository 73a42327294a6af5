package dev.varve.timeline;

import java.time.Duration;

/// How much history is kept. Both conditions hold: what either wants to keep is kept.
///
/// @param horizon bytes of WAL before the last record
/// @param pitrInterval what was committed within it can be read as of any moment of it; zero: time
///   does not count
/// @param period how often the GC cutoff is looked at; zero: it stays where it is
public record RetentionSettings(long horizon, Duration pitrInterval, Duration period) {

  /// Nothing is ever dropped.
  public static final RetentionSettings KEEP_ALL =
      new RetentionSettings(Long.MAX_VALUE, Duration.ZERO, Duration.ZERO);

  /// A week.
  public static final RetentionSettings DEFAULT =
      new RetentionSettings(64L << 20, Duration.ofDays(7), Duration.ofMinutes(10));

  public RetentionSettings {
    if (horizon < 0 || pitrInterval.isNegative() || period.isNegative()) {
      throw new IllegalArgumentException(
          "no history goes back %d bytes, %s, every %s".formatted(horizon, pitrInterval, period));
    }
  }
}
