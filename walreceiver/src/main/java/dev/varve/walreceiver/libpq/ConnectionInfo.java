package dev.varve.walreceiver.libpq;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Where a PostgreSQL is and who we are there, as libpq's connection strings say it; immutable.
///
/// What the string leaves out comes from the environment (`PGHOST`, `PGUSER`, …), then from
/// defaults: host `localhost`, port 5432, the operating system's user, database `postgres`, sslmode
/// `prefer`, ten seconds to connect; the password file, and certificates in `~/.postgresql`. A
/// service stands between the two. What is not supported, GSSAPI above all, is refused by name: see
/// {@link Parameters}. Neither {@link #toString()} nor any error shows the password.
public final class ConnectionInfo {

  /// One place to try.
  ///
  /// @param name what the certificate and the password file call it
  /// @param address where to connect: the name, unless `hostaddr` says otherwise; or the folder, an
  ///   absolute path, of a Unix socket
  public record Host(String name, String address, int port) {

    /// The server's Unix socket; empty for one that is reached over the network.
    public Optional<Path> socket() {
      return address.startsWith("/")
          ? Optional.of(Path.of(address, ".s.PGSQL." + port))
          : Optional.empty();
    }

    @Override
    public String toString() {
      if (socket().isPresent()) {
        return socket().get().toString();
      }
      return (name.indexOf(':') < 0 ? name : "[" + name + "]") + ":" + port;
    }
  }

  private static final String SYSTEM_ROOTS = "system";

  private final Map<String, String> given;
  private final List<Host> hosts;
  private final String user;
  private final SslMode sslMode;
  private final Duration connectTimeout;
  private final Environment environment;

  private ConnectionInfo(Map<String, String> given, Environment environment) {
    this.given = given;
    this.environment = environment;
    hosts = hosts(this);
    user = value("user", environment.user());
    sslMode = sslMode(this);
    connectTimeout = Duration.ofSeconds(number("connect_timeout", value("connect_timeout", "10")));
    channelBinding();
    sessionAttributes();
  }

  /// As libpq: whoever trusts all the world's roots must at least look at the name.
  private static SslMode sslMode(ConnectionInfo info) {
    if (!info.value("sslrootcert", "").equals(SYSTEM_ROOTS)) {
      return SslMode.parse(info.value("sslmode", "prefer"));
    }
    SslMode mode = SslMode.parse(info.value("sslmode", "verify-full"));
    if (mode != SslMode.VERIFY_FULL) {
      throw new IllegalArgumentException(
          "sslrootcert=system needs sslmode=verify-full, not " + mode);
    }
    return mode;
  }

  /// Reads a connection string, and this process's environment.
  ///
  /// @throws IllegalArgumentException with a sentence that says what is wrong, without secrets
  public static ConnectionInfo parse(String text) {
    return parse(text, Environment.ofProcess());
  }

  /// Reads a connection string in the given environment.
  public static ConnectionInfo parse(String text, Environment environment) {
    Map<String, String> given = ConnectionString.parse(text);
    String service = given.remove("service");
    if (service == null) {
      service = environment.variables().getOrDefault("PGSERVICE", "");
    }
    if (!service.isEmpty()) {
      var all = new LinkedHashMap<>(ServiceFile.find(service, environment));
      all.putAll(given);
      given = all;
    }
    Parameters.check(given);
    Parameters.check(environment);
    return new ConnectionInfo(given, environment);
  }

  /// The same, under this application name unless one was given: PostgreSQL shows it in
  /// `pg_stat_replication`.
  public ConnectionInfo withDefaultApplicationName(String name) {
    if (optional("application_name").isPresent()) {
      return this;
    }
    var changed = new LinkedHashMap<>(given);
    changed.put("application_name", name);
    return new ConnectionInfo(changed, environment);
  }

  /// The same, for another database.
  public ConnectionInfo withDatabase(String name) {
    var changed = new LinkedHashMap<>(given);
    changed.put("dbname", name);
    return new ConnectionInfo(changed, environment);
  }

  public List<Host> hosts() {
    return hosts;
  }

  public String user() {
    return user;
  }

  /// The database of an ordinary connection; a physical replication connection has none.
  public String database() {
    return value("dbname", "postgres");
  }

  public String applicationName() {
    return value("application_name", value("fallback_application_name", "varve"));
  }

  public Optional<String> options() {
    return optional("options");
  }

  public SslMode sslMode() {
    return sslMode;
  }

  /// The file of root certificates; the word `system` for those that Java trusts.
  public Optional<String> sslRootCertificate() {
    return optional("sslrootcert");
  }

  Path defaultRootCertificate() {
    return environment.home().resolve(".postgresql/root.crt");
  }

  /// The file of our own certificate, if we have one.
  public Optional<Path> sslCertificate() {
    Path usual = environment.home().resolve(".postgresql/postgresql.crt");
    return optional("sslcert")
        .map(Path::of)
        .or(() -> Files.isRegularFile(usual) ? Optional.of(usual) : Optional.empty());
  }

  /// The file of its key.
  Path sslKey() {
    return optional("sslkey")
        .map(Path::of)
        .orElse(environment.home().resolve(".postgresql/postgresql.key"));
  }

  SessionAttributes sessionAttributes() {
    return SessionAttributes.parse(value("target_session_attrs", "any"));
  }

  ChannelBinding channelBinding() {
    return ChannelBinding.parse(value("channel_binding", "prefer"));
  }

  /// Zero for no limit.
  public Duration connectTimeout() {
    return connectTimeout;
  }

  /// The password for a host: as given, from `PGPASSWORD`, or from the password file.
  ///
  /// @param database what the password file calls the database; `replication` for a replication
  ///   connection
  Optional<String> password(Host host, String database) {
    Optional<String> direct = optional("password");
    return direct.isPresent() ? direct : passwordFile().find(host, database, user);
  }

  PasswordFile passwordFile() {
    return new PasswordFile(
        optional("passfile").map(Path::of).orElse(environment.home().resolve(".pgpass")));
  }

  /// Where and who, without secrets.
  @Override
  public String toString() {
    return user + "@" + hosts.stream().map(Host::toString).collect(Collectors.joining(","));
  }

  /// The connection string again, *with* the password if one was given: to be kept where only we
  /// can read it. What came from the environment is in it too, but for the password file's. Files
  /// are named by whole paths.
  public String toSecretString() {
    var all = new LinkedHashMap<String, String>();
    for (String name : Parameters.KNOWN.stream().sorted().toList()) {
      optional(name).ifPresent(value -> all.put(name, value));
    }
    all.put("user", user);
    sslCertificate()
        .ifPresent(file -> {
          all.put("sslcert", file.toString());
          all.put("sslkey", sslKey().toString());
        });
    for (String name : Parameters.FILES) {
      all.computeIfPresent(
          name,
          (_, file) ->
              file.equals(SYSTEM_ROOTS) ? file : Path.of(file).toAbsolutePath().toString());
    }
    return all.entrySet().stream()
        .map(e -> e.getKey() + "='" + e.getValue().replaceAll("([\\\\'])", "\\\\$1") + "'")
        .collect(Collectors.joining(" "));
  }

  private Optional<String> optional(String name) {
    String value = given.get(name);
    if (value == null || value.isEmpty()) {
      value = environment.value(name);
    }
    return Optional.ofNullable(value);
  }

  private String value(String name, String otherwise) {
    return optional(name).orElse(otherwise);
  }

  private static List<Host> hosts(ConnectionInfo info) {
    List<String> names = list(info.value("host", ""));
    List<String> addresses = list(info.value("hostaddr", ""));
    List<String> ports = list(info.value("port", "5432"));
    int count = Math.max(names.size(), addresses.size());
    if (ports.size() != 1 && ports.size() != count) {
      throw new IllegalArgumentException(
          "there are %d hosts and %d ports; give one port, or one for each host"
              .formatted(count, ports.size()));
    }
    var hosts = new ArrayList<Host>();
    for (int i = 0; i < count; i++) {
      String address = at(addresses, i);
      String name = orElse(at(names, i), orElse(address, "localhost"));
      if (name.startsWith("@")) {
        throw new IllegalArgumentException(
            "host="
                + name
                + " is an abstract Unix socket, which Java can't open; give a folder, or a host");
      }
      String port = orElse(ports.size() == 1 ? ports.getFirst() : at(ports, i), "5432");
      hosts.add(new Host(name, orElse(address, name), port(port)));
    }
    return List.copyOf(hosts);
  }

  private static List<String> list(String text) {
    return List.of(text.split(",", -1));
  }

  private static @Nullable String at(List<String> list, int index) {
    return index < list.size() ? list.get(index).strip() : null;
  }

  private static String orElse(@Nullable String text, String otherwise) {
    return text == null || text.isEmpty() ? otherwise : text;
  }

  private static int port(String text) {
    int port = number("port", text);
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException("port=" + text + " is not between 1 and 65535");
    }
    return port;
  }

  private static int number(String name, String text) {
    try {
      return Math.max(0, Integer.parseInt(text.strip()));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(name + "=" + text + " is not a number", e);
    }
  }
}
