package dev.varve.remote;

/// The name of an object: segments of letters, digits, `.`, `_` and `-`, parted by `/`.
///
/// A segment begins with no dot, so no name leads out of its store or looks like a temporary file,
/// and none needs escaping in a URL, in XML or in a file system. The limits leave room for a prefix
/// within the 1024 bytes that S3 allows, and for a suffix within a file name's 255.
public record ObjectName(String value) implements Comparable<ObjectName> {

  static final int MOST_CHARACTERS = 700;
  static final int MOST_OF_SEGMENT = 200;

  /// @throws IllegalArgumentException naming the value and what is wrong with it
  public ObjectName {
    if (value.isEmpty() || value.length() > MOST_CHARACTERS) {
      throw invalid(value, "it must have 1 to " + MOST_CHARACTERS + " characters");
    }
    int start = 0;
    for (int i = 0; i <= value.length(); i++) {
      char c = i == value.length() ? '/' : value.charAt(i);
      if (c == '/') {
        if (i == start || i - start > MOST_OF_SEGMENT) {
          throw invalid(value, "a segment must have 1 to " + MOST_OF_SEGMENT + " characters");
        }
        start = i + 1;
      } else if (c == '.' && i == start) {
        throw invalid(value, "a segment must not begin with a dot");
      } else if (!isAllowed(c)) {
        throw invalid(value, "only letters, digits, '.', '_', '-' and '/' are allowed");
      }
    }
  }

  /// Whether an object may have this name; for names that others chose.
  public static boolean isValid(String value) {
    try {
      var _ = new ObjectName(value);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  static boolean isAllowed(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '.'
        || c == '_'
        || c == '-';
  }

  private static IllegalArgumentException invalid(String value, String reason) {
    String shown = value.length() <= 100 ? value : value.substring(0, 100) + "...";
    return new IllegalArgumentException("\"" + shown + "\" is no name for an object: " + reason);
  }

  /// In the order of their bytes, as stores list them.
  @Override
  public int compareTo(ObjectName that) {
    return value.compareTo(that.value);
  }

  @Override
  public String toString() {
    return value;
  }
}
