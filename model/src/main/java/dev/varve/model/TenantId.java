package dev.varve.model;

import java.util.Locale;

/// Names one tenant: 16 bytes, written as 32 lower-case hex digits.
public record TenantId(long high, long low) {

  /// @throws IllegalArgumentException naming the text, when it is not 32 hex digits
  public static TenantId parse(String text) {
    if (!text.matches("[0-9a-fA-F]{32}")) {
      throw new IllegalArgumentException(
          "\"" + text + "\" is not a tenant id; one has 32 hex digits");
    }
    return new TenantId(
        Long.parseUnsignedLong(text, 0, 16, 16), Long.parseUnsignedLong(text, 16, 32, 16));
  }

  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%016x%016x", high, low);
  }
}
