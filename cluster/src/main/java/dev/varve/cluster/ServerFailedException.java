package dev.varve.cluster;

import java.io.IOException;

/// A program of PostgreSQL failed; the message ends with what it said last.
public final class ServerFailedException extends IOException {

  private final String log;

  ServerFailedException(String message, String log) {
    super(message + ":\n" + log);
    this.log = log;
  }

  /// The last lines of the server's log.
  public String log() {
    return log;
  }
}
