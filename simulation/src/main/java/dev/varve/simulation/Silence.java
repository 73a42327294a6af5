package dev.varve.simulation;

import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/// No log messages of the storage stack while this is open: failures are what simulated runs are
/// made of, and thousands of stack traces help nobody.
public final class Silence implements AutoCloseable {

  private final Logger log = Logger.getLogger("dev.varve");
  private final @Nullable Level before = log.getLevel();

  public Silence() {
    log.setLevel(Level.OFF);
  }

  @Override
  public void close() {
    log.setLevel(before);
  }
}
