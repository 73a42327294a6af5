package dev.varve.simulation;

/// A version of a key, without its bytes.
///
/// @param value says what the bytes are, but for a VALUE
/// @param size how much is filled: of an image, or of a change
/// @param text the bytes of a VALUE
record Version(Kind kind, long value, int size, String text) {

  enum Kind {
    IMAGE,
    CHANGE,
    INITIALIZING_CHANGE,
    /// An empty image, of a page.
    TOMBSTONE,
    /// What is stored in images only, and is no page.
    VALUE
  }
}
