package dev.varve.walreceiver.libpq;

/// Whether SCRAM shall prove that TLS ends at the server that knows the password.
enum ChannelBinding {
  DISABLE,
  PREFER,
  REQUIRE;

  static ChannelBinding parse(String text) {
    return switch (text) {
      case "disable" -> DISABLE;
      case "prefer" -> PREFER;
      case "require" -> REQUIRE;
      default ->
          throw new IllegalArgumentException(
              "channel_binding=" + text + " is none of disable, prefer, require");
    };
  }
}
