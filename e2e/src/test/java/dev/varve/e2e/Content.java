package dev.varve.e2e;

import dev.varve.cluster.LocalCluster;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/// What a server holds: of every table, catalog, materialized view and sequence of every database
/// the number of rows and a hash of them, in order; and the prepared transactions.
///
/// @param relations by database and name
record Content(SortedMap<String, String> relations) {

  private static final String RELATIONS =
      """
      select oid::regclass from pg_class
      where relkind in ('r', 'm', 'S') and relpersistence <> 't' order by 1\
      """;

  private static final String PREPARED =
      "select string_agg(p::text, ' ' order by gid)"
          + " from (select gid, transaction, prepared, owner, database from pg_prepared_xacts) p";

  static Content of(LocalCluster cluster) throws SQLException {
    var content = new TreeMap<String, String>();
    try (Connection connection = cluster.connect()) {
      content.put("prepared transactions", String.join("", column(connection, PREPARED)));
    }
    for (String database : databases(cluster)) {
      try (Connection connection = cluster.connect(database)) {
        for (String relation : column(connection, RELATIONS)) {
          content.put(database + " " + relation, hash(connection, relation));
        }
      }
    }
    return new Content(content);
  }

  /// All that take connections.
  static List<String> databases(LocalCluster cluster) throws SQLException {
    try (Connection connection = cluster.connect()) {
      // A limit of -2 marks one whose DROP was under way at the moment.
      return column(
          connection,
          "select datname from pg_database where datallowconn and datconnlimit <> -2 order by 1");
    }
  }

  private static String hash(Connection connection, String relation) throws SQLException {
    String rows = "select count(*) || ' ' || coalesce(md5(string_agg(t, e'\\n' order by t)), '')";
    String text =
        " from (select x::text collate \"C\" t from (select * from %s) x) y".formatted(relation);
    return column(connection, rows + text).getFirst();
  }

  /// The first column of all rows, nulls as empty texts.
  static List<String> column(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      var values = new ArrayList<String>();
      while (rows.next()) {
        String value = rows.getString(1);
        values.add(value == null ? "" : value);
      }
      return values;
    }
  }

  /// In what the two differ, for people; empty when they are equal.
  List<String> differences(Content other) {
    var all = new TreeMap<>(relations);
    all.putAll(other.relations);
    return all.keySet().stream()
        .filter(name -> !value(name).equals(other.value(name)))
        .map(name -> "%s: %s instead of %s".formatted(name, value(name), other.value(name)))
        .toList();
  }

  private String value(String name) {
    return relations.getOrDefault(name, "missing");
  }
}
