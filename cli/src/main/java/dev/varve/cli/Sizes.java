package dev.varve.cli;

import java.time.Duration;
import java.util.Locale;

/// Sizes and times as people read them.
final class Sizes {

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
