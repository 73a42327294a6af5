package dev.varve.simulation;

/// What the simulation looks for: the storage stack did what it must not. The message says what was
/// expected and what was found.
public final class Finding extends RuntimeException {

  Finding(String message) {
    super(message);
  }

  static void require(boolean holds, String message) {
    if (!holds) {
      throw new Finding(message);
    }
  }
}
