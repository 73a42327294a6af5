package dev.varve.testkit.workload;

import dev.varve.cluster.Load;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// What an operation works with: a connection in auto-commit mode, randomness, and the names of
/// what this client owns. What exists is asked of the server, so that a restart, which may have
/// lost the last statement, confuses nobody.
final class WorkSession {

  private final MixedWorkload workload;
  private final Load.ConnectionSource source;
  private final int client;
  final Connection connection;
  final SplittableRandom random;

  WorkSession(
      MixedWorkload workload,
      Load.ConnectionSource source,
      int client,
      Connection connection,
      SplittableRandom random) {
    this.workload = workload;
    this.source = source;
    this.client = client;
    this.connection = connection;
    this.random = random;
  }

  /// What the names of databases, tablespaces and prepared transactions of this client begin with.
  String prefix() {
    return "w" + client;
  }

  MixedWorkload workload() {
    return workload;
  }

  /// A second connection, for what takes two.
  Connection other() throws SQLException {
    Connection other = source.open();
    try (Statement statement = other.createStatement()) {
      statement.execute("set lock_timeout = '2s'; set search_path = " + prefix());
    }
    return other;
  }

  Path newDirectory(String name) throws SQLException {
    try {
      return workload.directories().make(name);
    } catch (IOException e) {
      throw new SQLException(e);
    }
  }

  /// @param values for the format; without any the text is taken as it is
  @SuppressWarnings("AnnotateFormatMethod") // would be one more dependency
  void sql(String text, Object... values) throws SQLException {
    run(connection, values.length == 0 ? text : text.formatted(values));
  }

  static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /// Runs the body in one transaction.
  void transaction(boolean commit, Operation.Body body) throws SQLException {
    connection.setAutoCommit(false);
    body.run(this);
    if (commit) {
      connection.commit();
    } else {
      connection.rollback();
    }
    connection.setAutoCommit(true);
  }

  /// The first column of all rows.
  List<String> names(String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      var names = new ArrayList<String>();
      while (rows.next()) {
        names.add(rows.getString(1));
      }
      return names;
    }
  }

  /// The client's relations of a kind, as `pg_class.relkind` says it.
  List<String> relations(String kind) throws SQLException {
    return names(
        "select relname from pg_class where relkind = '%s' and relnamespace = '%s'::regnamespace"
                .formatted(kind, prefix())
            + " order by relname");
  }

  /// One of the client's tables; a new one when there is none.
  String table() throws SQLException {
    List<String> tables = relations("r");
    return tables.isEmpty() ? DefinitionOperations.createTable(this) : any(tables);
  }

  String any(List<String> list) {
    return list.get(random.nextInt(list.size()));
  }

  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  /// A new name that begins so.
  String name(String beginning) {
    return beginning + Long.toHexString(random.nextLong() >>> 24);
  }

  /// A text of letters and digits, which compresses badly.
  String text(int length) {
    var text = new StringBuilder(length);
    for (int i = 0; i < length; i++) {
      text.append(Character.forDigit(random.nextInt(36), 36));
    }
    return text.toString();
  }
}
