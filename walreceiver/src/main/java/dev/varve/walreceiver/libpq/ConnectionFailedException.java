package dev.varve.walreceiver.libpq;

import java.io.IOException;

/// No connection came about; the message says with whom, why, and what to do.
public final class ConnectionFailedException extends IOException {

  public ConnectionFailedException(String message) {
    super(message);
  }

  public ConnectionFailedException(String message, Throwable cause) {
    super(message, cause);
  }
}
