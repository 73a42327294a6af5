package dev.varve.walreceiver.libpq;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// The names of connection parameters: those that count, those that make no difference here, and
/// the rest, which are refused by name: what somebody asked for is not left out in silence.
final class Parameters {

  /// Those that count.
  static final Set<String> KNOWN =
      Set.of(
          "host",
          "hostaddr",
          "port",
          "dbname",
          "user",
          "password",
          "passfile",
          "application_name",
          "fallback_application_name",
          "sslmode",
          "sslrootcert",
          "sslcert",
          "sslkey",
          "channel_binding",
          "target_session_attrs",
          "options",
          "connect_timeout");

  /// Their values are names of files.
  static final List<String> FILES = List.of("passfile", "sslrootcert", "sslcert", "sslkey");

  /// Of no consequence here, and often in strings that people have.
  private static final Set<String> IGNORED =
      Set.of(
          "client_encoding",
          "keepalives",
          "keepalives_idle",
          "keepalives_interval",
          "keepalives_count",
          "sslcompression",
          "sslsni",
          "tcp_user_timeout");

  /// One value only is what is done anyway.
  private static final Map<String, Set<String>> FIXED =
      Map.of(
          "gssencmode", Set.of("disable", "prefer"),
          "sslnegotiation", Set.of("postgres"),
          "load_balance_hosts", Set.of("disable"));

  /// Variables of libpq that demand what is not done here.
  private static final Map<String, Set<String>> VARIABLES =
      Map.ofEntries(
          Map.entry("PGGSSENCMODE", Set.of("disable", "prefer")),
          Map.entry("PGSSLNEGOTIATION", Set.of("postgres")),
          Map.entry("PGLOADBALANCEHOSTS", Set.of("disable")),
          Map.entry("PGREQUIRESSL", Set.of("0")),
          Map.entry("PGREQUIREPEER", Set.of()),
          Map.entry("PGREQUIREAUTH", Set.of()),
          Map.entry("PGSSLCRL", Set.of()),
          Map.entry("PGSSLCRLDIR", Set.of()),
          Map.entry("PGSSLCERTMODE", Set.of("allow")),
          Map.entry("PGSSLMINPROTOCOLVERSION", Set.of("TLSv1.2")),
          Map.entry("PGSSLMAXPROTOCOLVERSION", Set.of("TLSv1.3")));

  private Parameters() {}

  /// @throws IllegalArgumentException naming the parameter that is not supported
  static void check(Map<String, String> given) {
    given.forEach((name, value) -> {
      Set<String> fixed = FIXED.get(name);
      if (fixed != null && !fixed.contains(value)) {
        throw new IllegalArgumentException(
            name + "=" + value + " is not supported; remove it from the connection string");
      }
      if (fixed == null && !KNOWN.contains(name) && !IGNORED.contains(name)) {
        throw new IllegalArgumentException(
            "the connection parameter \""
                + name
                + "\" is not supported; remove it (supported: service, "
                + KNOWN.stream().sorted().collect(Collectors.joining(", "))
                + ")");
      }
    });
  }

  /// @throws IllegalArgumentException naming the environment variable that is not supported
  static void check(Environment environment) {
    VARIABLES.forEach((name, harmless) -> {
      String value = environment.variables().getOrDefault(name, "");
      if (!value.isEmpty() && !harmless.contains(value)) {
        throw new IllegalArgumentException(
            "the environment variable " + name + "=" + value + " is not supported; unset it");
      }
    });
  }
}
