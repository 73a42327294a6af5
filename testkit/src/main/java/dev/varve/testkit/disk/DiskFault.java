package dev.varve.testkit.disk;

/// How an operation on a disk fails, in the words of the operating system.
public enum DiskFault {
  FULL("No space left on device"),
  BROKEN("Input/output error");

  private final String words;

  DiskFault(String words) {
    this.words = words;
  }

  /// Whether a failure with this message came from a disk that was to fail.
  public static boolean isNamedBy(String message) {
    return message.contains(FULL.words) || message.contains(BROKEN.words);
  }

  String words() {
    return words;
  }
}
