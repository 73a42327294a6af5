package dev.varve.walreceiver.libpq;

import java.io.IOException;

/// The other side does not speak PostgreSQL's protocol as it should: a proxy, another program, or
/// damage. The connection is of no use afterwards.
public final class ProtocolException extends IOException {

  public ProtocolException(String message) {
    super(message);
  }
}
