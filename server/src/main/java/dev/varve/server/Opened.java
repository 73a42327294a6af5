package dev.varve.server;

import java.util.ArrayDeque;

/// What has been opened so far while a server is put together, so that it can be closed again when
/// the next part fails.
final class Opened {

  private final ArrayDeque<AutoCloseable> parts = new ArrayDeque<>();

  <T extends AutoCloseable> T add(T part) {
    parts.push(part);
    return part;
  }

  /// Closes everything, the newest first; what fails thereby is added to the failure.
  void closeAfter(Exception failure) {
    for (AutoCloseable part : parts) {
      try {
        part.close();
      } catch (Exception e) {
        failure.addSuppressed(e);
      }
    }
  }
}
