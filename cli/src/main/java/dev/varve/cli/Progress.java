package dev.varve.cli;

import java.io.PrintStream;
import java.time.Duration;

/// One line on a terminal that says how far long work is, its rate and the time left. Prints
/// nothing where standard error is not a terminal.
final class Progress implements AutoCloseable {

  private static final long REDRAW_NANOS = 200_000_000;

  private final String what;
  private final PrintStream terminal;
  private final boolean visible;
  private final long started = System.nanoTime();
  private long drawn;

  Progress(String what) {
    this(what, System.err, isTerminal());
  }

  Progress(String what, PrintStream terminal, boolean visible) {
    this.what = what;
    this.terminal = terminal;
    this.visible = visible;
  }

  private static boolean isTerminal() {
    var console = System.console();
    return console != null && console.isTerminal();
  }

  /// Says that `done` of `total` bytes are through; a total of 0 is an unknown one.
  void update(long done, long total) {
    long now = System.nanoTime();
    if (!visible || now - drawn < REDRAW_NANOS) {
      return;
    }
    drawn = now;
    terminal.print("\r" + line(done, total, Duration.ofNanos(now - started)) + "\033[K");
    terminal.flush();
  }

  String line(long done, long total, Duration elapsed) {
    double rate = (double) done / Math.max(elapsed.toNanos() / 1e9, 1e-3);
    var line = new StringBuilder(what).append(": ").append(Sizes.bytes(done));
    if (total > 0) {
      line.append(" of ").append(Sizes.bytes(total));
      line.append(" (").append(Math.min(100, done * 100 / total)).append(" %)");
    }
    line.append(", ").append(Sizes.bytes((long) rate)).append("/s");
    if (total > done && rate > 0) {
      line.append(", ").append(Sizes.time(Duration.ofSeconds((long) ((total - done) / rate))));
      line.append(" left");
    }
    return line.toString();
  }

  @Override
  public void close() {
    if (visible && drawn != 0) {
      terminal.print("\r\033[K");
      terminal.flush();
    }
  }
}
