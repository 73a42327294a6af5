package dev.varve.server.page;

import java.io.IOException;

/// The client does not speak the protocol; its connection ends.
final class ProtocolException extends IOException {

  ProtocolException(String finding) {
    super(finding);
  }
}
