package dev.varve.cli;

import dev.varve.timeline.RetentionSettings;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Sizes and times as people read and write them.
final class Sizes {

  private static final Pattern SIZE = Pattern.compile("([0-9]{1,9})([KMGT]?)(?:I?B)?");

  private Sizes() {}

  static String bytes(long bytes) {
    String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    int unit = 0;
    double value = (double) bytes;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  }

  /// Reads a size such as `64MiB` or `2G`; units are powers of 1024.
  static long parseBytes(String option, String text) {
    Matcher parts = SIZE.matcher(text.toUpperCase(Locale.ROOT));
    if (!parts.matches()) {
      throw new CliException(option + " takes a size such as 64MiB or 2GiB, not \"" + text + "\"");
    }
    int shift = parts.group(2).isEmpty() ? 0 : 10 * (1 + "KMGT".indexOf(parts.group(2)));
    return Long.parseLong(parts.group(1)) << shift;
  }

  /// Reads a time such as `7d`, `12h`, `30min` or `45s`; `0` needs no unit.
  static Duration parseTime(String option, String text) {
    try {
      return RetentionSettings.interval(text);
    } catch (IllegalArgumentException e) {
      throw new CliException(
          option + " takes a time such as 7d, 12h or 30min, not \"" + text + "\"", e);
    }
  }

  static String time(Duration duration) {
    double seconds = duration.toNanos() / 1e9;
    if (seconds < 1) {
      return String.format(Locale.ROOT, "%.0f ms", seconds * 1000);
    }
    if (seconds < 60) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    return duration.toHours() > 0
        ? String.format(Locale.ROOT, "%d h %02d min", duration.toHours(), duration.toMinutesPart())
        : String.format(
            Locale.ROOT, "%d min %02d s", duration.toMinutes(), duration.toSecondsPart());
  }
}
