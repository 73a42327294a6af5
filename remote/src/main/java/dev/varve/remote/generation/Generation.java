package dev.varve.remote.generation;

import java.util.Locale;

/// How often a tenant has been attached: an unsigned number of 32 bits, written as 8 lower-case hex
/// digits. Generations of one tenant are ordered; the highest is the one that counts.
public record Generation(int value) implements Comparable<Generation> {

  /// Before the first attach.
  public static final Generation NONE = new Generation(0);

  /// After which there is none.
  public static final Generation HIGHEST = new Generation(-1);

  /// @throws IllegalArgumentException naming the text, when it is not 8 hex digits
  public static Generation parse(String text) {
    if (!text.matches("[0-9a-f]{8}")) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is no generation; one has 8 lower-case hex digits");
    }
    return new Generation(Integer.parseUnsignedInt(text, 16));
  }

  /// @throws IllegalStateException after 4,294,967,295 attaches
  public Generation next() {
    if (value == -1) {
      throw new IllegalStateException("there is no generation after " + this);
    }
    return new Generation(value + 1);
  }

  /// @throws IllegalStateException before the first
  public Generation previous() {
    if (value == 0) {
      throw new IllegalStateException("there is no generation before " + this);
    }
    return new Generation(value - 1);
  }

  /// The later of two.
  public static Generation max(Generation one, Generation other) {
    return one.compareTo(other) >= 0 ? one : other;
  }

  @Override
  public int compareTo(Generation that) {
    return Integer.compareUnsigned(value, that.value);
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%08x", value);
  }
}
