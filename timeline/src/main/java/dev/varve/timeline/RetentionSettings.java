package dev.varve.timeline;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

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

  private static final Pattern INTERVAL = Pattern.compile("0|([0-9]{1,6})(d|h|min|s)");

  public RetentionSettings {
    if (horizon < 0 || pitrInterval.isNegative() || period.isNegative()) {
      throw new IllegalArgumentException(
          "no history goes back %d bytes, %s, every %s".formatted(horizon, pitrInterval, period));
    }
  }

  /// Reads an interval such as `7d`, `12h`, `30min` or `45s`; `0` needs no unit.
  ///
  /// @throws IllegalArgumentException with a sentence, when it is none
  public static Duration interval(String text) {
    Matcher parts = INTERVAL.matcher(text.toLowerCase(Locale.ROOT));
    if (!parts.matches()) {
      throw new IllegalArgumentException("\"" + text + "\" is not a time such as 7d, 12h or 30min");
    }
    if (parts.group(1) == null) {
      return Duration.ZERO;
    }
    long number = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "d" -> Duration.ofDays(number);
      case "h" -> Duration.ofHours(number);
      case "s" -> Duration.ofSeconds(number);
      default -> Duration.ofMinutes(number);
    };
  }

  /// Writes an interval as {@link #interval(String)} reads it, in whole seconds.
  public static String text(Duration interval) {
    long seconds = interval.toSeconds();
    if (seconds == 0) {
      return "0";
    }
    if (seconds % 86_400 == 0) {
      return seconds / 86_400 + "d";
    }
    if (seconds % 3_600 == 0) {
      return seconds / 3_600 + "h";
    }
    return seconds % 60 == 0 ? seconds / 60 + "min" : seconds + "s";
  }
}
