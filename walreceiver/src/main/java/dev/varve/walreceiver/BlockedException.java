package dev.varve.walreceiver;

import java.io.IOException;

/// The source can't bring what we need: another cluster, WAL that is gone, another history.
final class BlockedException extends IOException {

  BlockedException(String message) {
    super(message);
  }
}
