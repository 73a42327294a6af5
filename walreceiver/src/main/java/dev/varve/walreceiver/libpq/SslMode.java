package dev.varve.walreceiver.libpq;

import java.util.Locale;

/// How much TLS a connection wants, as libpq's `sslmode` says it.
public enum SslMode {
  /// No TLS.
  DISABLE,
  /// TLS if the server has it; whoever answers is believed.
  PREFER,
  /// TLS; whoever answers is believed, unless a root certificate is given.
  REQUIRE,
  /// TLS with a certificate that a known root signed.
  VERIFY_CA,
  /// TLS with a certificate that a known root signed for this host.
  VERIFY_FULL;

  static SslMode parse(String text) {
    return switch (text) {
      case "disable" -> DISABLE;
      case "prefer" -> PREFER;
      case "require" -> REQUIRE;
      case "verify-ca" -> VERIFY_CA;
      case "verify-full" -> VERIFY_FULL;
      default ->
          throw new IllegalArgumentException(
              "sslmode=" + text + " is none of disable, prefer, require, verify-ca, verify-full");
    };
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
