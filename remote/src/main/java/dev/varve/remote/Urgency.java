package dev.varve.remote;

/// Who waits for a request, from the most urgent on.
public enum Urgency {
  /// Somebody waits for a page.
  READ,
  /// What is not uploaded yet keeps disk space and the source's WAL from being given back.
  UPLOAD,
  /// Nobody waits: what may be needed soon, deletions, looking after things.
  BACKGROUND
}
