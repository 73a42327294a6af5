package dev.varve.e2e;

import dev.varve.cluster.LocalCluster;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/// PostgreSQL's own checks of its tables and indexes: every B-tree, and that every row is in it;
/// every heap, with its values out of line.
///
/// @param checked how many relations
/// @param findings one sentence each
record Amcheck(int checked, List<String> findings) {

  private static final String INDEXES =
      """
      select c.oid::regclass from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_am a on a.oid = c.relam
      where a.amname = 'btree' and i.indisready and i.indisvalid
        and c.relkind = 'i' and c.relpersistence <> 't'
      order by 1\
      """;

  private static final String HEAPS =
      """
      select oid::regclass from pg_class
      where relkind in ('r', 'm', 't') and relpersistence <> 't' order by 1\
      """;

  /// Checks all databases that take connections; each gets the extension.
  static Amcheck of(LocalCluster cluster) throws SQLException {
    var findings = new ArrayList<String>();
    int checked = 0;
    for (String database : Content.databases(cluster)) {
      try (Connection connection = cluster.connect(database)) {
        try (Statement statement = connection.createStatement()) {
          statement.execute("set lock_timeout = '10s'; create extension if not exists amcheck");
        }
        checked += check(connection, INDEXES, "bt_index_check('%s', true)", findings);
        checked += check(connection, HEAPS, HEAP_CHECK, findings);
      }
    }
    return new Amcheck(checked, findings);
  }

  private static final String HEAP_CHECK =
      "* from (select blkno || '.' || offnum || ' ' || msg from verify_heapam('%s',"
          + " check_toast => true)) x";

  private static int check(
      Connection connection, String relations, String check, List<String> findings)
      throws SQLException {
    List<String> names = Content.column(connection, relations);
    for (String name : names) {
      String query = "select " + check.formatted(name.replace("'", "''"));
      try {
        for (String finding : Content.column(connection, query)) {
          if (!finding.isEmpty()) {
            findings.add(connection.getCatalog() + " " + name + ": " + finding);
          }
        }
      } catch (SQLException e) {
        findings.add(connection.getCatalog() + " " + name + ": " + e.getMessage());
      }
    }
    return names.size();
  }
}
