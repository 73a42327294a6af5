package dev.varve.cluster;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/// A PostgreSQL of this machine that belongs to this JVM: it listens on a port of 127.0.0.1 and on
/// a Unix socket, and it goes away, with all its files, at {@link #close()} or when the JVM ends.
///
/// Its files are below a new directory of the JVM's temporary directory: `data`, `archive`, `log`,
/// what {@link #newDirectory(String)} made, and the socket. An {@linkplain #existing existing} data
/// directory stays where it is and is kept; root gives it, and the tablespaces that it links to, to
/// the user that PostgreSQL runs as, and its path must be open to that user.
///
/// Connections need PostgreSQL's JDBC driver on the class path. Threads may use a running cluster;
/// one at a time may start, stop or close it.
public final class LocalCluster implements AutoCloseable {

  private static final Duration TIMEOUT = Duration.ofMinutes(2);
  private static final Duration CONTEST = Duration.ofSeconds(15);

  private final ClusterFiles files;
  private final ClusterBuilder options;
  private final Thread hook = new Thread(this::closeQuietly, "cluster-shutdown");
  private int port;
  private boolean started;
  private @Nullable ServerProcess server;

  LocalCluster(ClusterBuilder options, ServerUser user, Path base, int port) throws IOException {
    this.options = options;
    this.files = new ClusterFiles(options, user, base);
    this.port = port;
    files.prepare();
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /// A new, empty cluster.
  public static ClusterBuilder builder(PostgresBinaries binaries) {
    return new ClusterBuilder(binaries, null);
  }

  /// A server on a data directory that is there already: a restored one, a copied one.
  public static ClusterBuilder existing(PostgresBinaries binaries, Path dataDirectory) {
    return new ClusterBuilder(binaries, dataDirectory.toAbsolutePath());
  }

  public PostgresBinaries binaries() {
    return options.binaries;
  }

  public Path dataDirectory() {
    return files.data();
  }

  /// Where finished WAL segments are copied, if the builder said so.
  public Path archive() {
    return files.archive();
  }

  /// The file with the server's messages.
  public Path log() {
    return files.log().file();
  }

  /// The last lines of the messages since the last start.
  public String logTail() {
    return files.log().tail();
  }

  /// The directory of the Unix socket.
  public Path socketDirectory() {
    return files.base();
  }

  public String host() {
    return "127.0.0.1";
  }

  public int port() {
    return port;
  }

  public String superuser() {
    return options.superuser;
  }

  /// The JDBC URL of a database, without user and password.
  public String jdbcUrl(String database) {
    return "jdbc:postgresql://" + host() + ":" + port + "/" + database;
  }

  /// What libpq calls a connection string, for the superuser and its password.
  public String connectionString(String database) {
    String secret = options.password == null ? "" : " password='" + options.password + "'";
    return "host=%s port=%d user=%s dbname=%s%s"
        .formatted(host(), port, superuser(), database, secret);
  }

  /// A connection of the superuser to the database `postgres`.
  public Connection connect() throws SQLException {
    return connect("postgres");
  }

  /// A connection of the superuser.
  public Connection connect(String database) throws SQLException {
    var properties = new Properties();
    properties.setProperty("user", superuser());
    if (options.password != null) {
      properties.setProperty("password", options.password);
    }
    return DriverManager.getConnection(jdbcUrl(database), properties);
  }

  /// Runs statements as the superuser in the database `postgres`, each in a transaction of its own.
  public void execute(String... statements) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  /// The first column of the first row, as text.
  ///
  /// @throws SQLException also when there is no row, or a null in it
  public String query(String sql) throws SQLException {
    try (Connection connection = connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      String value = rows.next() ? rows.getString(1) : null;
      if (value == null) {
        throw new SQLException("no value: " + sql);
      }
      return value;
    }
  }

  /// A new empty directory of the server's user, such as a tablespace needs; deleted at the end.
  public Path newDirectory(String name) throws IOException {
    return files.newDirectory(name);
  }

  public boolean isRunning() {
    return server != null && server.isAlive();
  }

  /// The process id of the server.
  public long pid() {
    return running().pid();
  }

  /// Starts the server and waits until it takes connections: during a recovery to a target, read
  /// only. It keeps its port from one start to the next.
  ///
  /// @throws IOException with the end of the log, when it ends instead
  public void start() throws IOException {
    if (isRunning()) {
      throw new IllegalStateException("already running");
    }
    long deadline = System.nanoTime() + CONTEST.toNanos();
    while (true) {
      try {
        var process = ServerProcess.start(files.program(port), files.data(), files.log());
        server = process;
        process.awaitReady(TIMEOUT);
        started = true;
        return;
      } catch (ServerFailedException e) {
        abandon();
        if (!isContest(e) || System.nanoTime() - deadline > 0) {
          throw e;
        }
        if (!started && options.port == 0) {
          port = LoopbackPort.free();
        }
      }
    }
  }

  private void abandon() {
    if (isRunning()) {
      running().kill();
    }
    server = null;
  }

  /// Whether someone else has the port, or a killed run's last process still has the memory.
  private static boolean isContest(ServerFailedException e) {
    return e.log().contains("Address already in use")
        || e.log().contains("pre-existing shared memory block");
  }

  /// Waits until a recovery to a target is over and the server takes writes.
  public void awaitPromotion(Duration timeout) throws IOException, SQLException {
    long deadline = System.nanoTime() + timeout.toNanos();
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      while (true) {
        try (ResultSet rows = statement.executeQuery("select pg_is_in_recovery()")) {
          if (rows.next() && !rows.getBoolean(1)) {
            return;
          }
        }
        if (System.nanoTime() - deadline > 0) {
          throw new ServerFailedException(
              "still in recovery after " + timeout.toSeconds() + " s", logTail());
        }
        statement.execute("select pg_sleep(0.02)");
      }
    }
  }

  /// Stops the server and waits for its end.
  public void stop(StopMode mode) throws IOException {
    running().stop(mode, TIMEOUT);
    server = null;
  }

  /// Kills every process of the server with SIGKILL; the files stay as they are at that moment.
  public void kill() {
    running().kill();
    server = null;
  }

  /// Stops and starts the server.
  public void restart(StopMode mode) throws IOException {
    stop(mode);
    start();
  }

  private ServerProcess running() {
    if (server == null) {
      throw new IllegalStateException("the server is not running");
    }
    return server;
  }

  /// Stops the server at once and deletes its files; an existing data directory is kept, and is
  /// stopped cleanly.
  @Override
  public void close() throws IOException {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The JVM is ending, perhaps by way of this very hook.
    }
    finish();
  }

  /// One thread at a time: a shutdown may come while someone closes.
  private synchronized void finish() throws IOException {
    if (isRunning()) {
      running().stop(options.existing == null ? StopMode.IMMEDIATE : StopMode.FAST, TIMEOUT);
      server = null;
    }
    files.delete();
  }

  private void closeQuietly() {
    try {
      finish();
    } catch (IOException | UncheckedIOException e) {
      System.err.println("while stopping " + options.binaries + ": " + e.getMessage());
    }
  }

  @Override
  public String toString() {
    return "PostgreSQL " + options.binaries.version() + " on " + host() + ":" + port;
  }
}
