package dev.varve.walreceiver.libpq;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a connection takes from around the process when it is not told: libpq's environment
/// variables, the user's name and home.
public record Environment(Map<String, String> variables, Path home, String user) {

  private static final Map<String, String> NAMES =
      Map.ofEntries(
          Map.entry("host", "PGHOST"),
          Map.entry("hostaddr", "PGHOSTADDR"),
          Map.entry("port", "PGPORT"),
          Map.entry("dbname", "PGDATABASE"),
          Map.entry("user", "PGUSER"),
          Map.entry("password", "PGPASSWORD"),
          Map.entry("passfile", "PGPASSFILE"),
          Map.entry("application_name", "PGAPPNAME"),
          Map.entry("sslmode", "PGSSLMODE"),
          Map.entry("sslrootcert", "PGSSLROOTCERT"),
          Map.entry("sslcert", "PGSSLCERT"),
          Map.entry("sslkey", "PGSSLKEY"),
          Map.entry("target_session_attrs", "PGTARGETSESSIONATTRS"),
          Map.entry("channel_binding", "PGCHANNELBINDING"),
          Map.entry("options", "PGOPTIONS"),
          Map.entry("connect_timeout", "PGCONNECT_TIMEOUT"));

  /// This process's.
  public static Environment ofProcess() {
    return new Environment(
        System.getenv(), Path.of(System.getProperty("user.home")), System.getProperty("user.name"));
  }

  /// This process's, without its variables: for connection strings that are complete.
  public static Environment ofHome() {
    return new Environment(Map.of(), ofProcess().home(), ofProcess().user());
  }

  /// Nothing but a user's name: for tests, and where only the connection string shall count.
  public static Environment bare(String user) {
    return new Environment(Map.of(), Path.of("/nonexistent"), user);
  }

  /// The path that a variable names.
  Path path(String variable, Path otherwise) {
    String value = variables.getOrDefault(variable, "");
    return value.isEmpty() ? otherwise : Path.of(value);
  }

  /// The variable's value for a connection parameter; empty counts as absent.
  @Nullable String value(String parameter) {
    String variable = NAMES.get(parameter);
    String value = variable == null ? null : variables.get(variable);
    return value == null || value.isEmpty() ? null : value;
  }
}
