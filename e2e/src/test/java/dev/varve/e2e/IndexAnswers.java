package dev.varve.e2e;

import dev.varve.cluster.LocalCluster;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Whether indexes that amcheck knows nothing of give the rows that a scan of the table gives.
///
/// @param asked how many indexes
/// @param findings one sentence each
record IndexAnswers(int asked, List<String> findings) {

  private static final String INDEXES =
      """
      select i.indrelid::regclass || '|' || pg_get_indexdef(i.indexrelid)
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
      where a.amname <> 'btree' and i.indisvalid and c.relpersistence <> 't' order by 1\
      """;

  /// What the workload's indexes are on, and a condition that such an index answers.
  private static final Map<String, String> CONDITIONS = conditions();

  private static Map<String, String> conditions() {
    var conditions = new LinkedHashMap<String, String>();
    conditions.put("USING hash (k)", "k = 7");
    conditions.put("USING hash (v)", "v = 'big'");
    conditions.put("USING gin (to_tsvector", "to_tsvector('simple', v) @@ 'big | after | 7'");
    conditions.put("USING gin ((ARRAY[", "array[k, h] && '{1,2,3}'");
    conditions.put("USING gist (point", "point(k, h) <@ box '((0,0),(50,50))'");
    conditions.put("USING spgist (v", "v = 'big'");
    conditions.put("USING spgist (point", "point(k, h) <@ box '((0,0),(50,50))'");
    conditions.put("USING brin (k", "k between 10 and 20");
    conditions.put("USING brin (id", "id < 100");
    return conditions;
  }

  static IndexAnswers of(LocalCluster cluster) throws SQLException {
    var findings = new ArrayList<String>();
    int asked = 0;
    for (String database : Content.databases(cluster)) {
      try (Connection connection = cluster.connect(database)) {
        for (String index : Content.column(connection, INDEXES)) {
          int bar = index.indexOf('|');
          asked += ask(connection, index.substring(0, bar), index.substring(bar + 1), findings);
        }
      }
    }
    return new IndexAnswers(asked, findings);
  }

  private static int ask(
      Connection connection, String table, String definition, List<String> findings)
      throws SQLException {
    for (Map.Entry<String, String> kind : CONDITIONS.entrySet()) {
      if (definition.contains(kind.getKey())) {
        String query = "select count(*) from " + table + " where " + kind.getValue();
        String byTable = rows(connection, false, query);
        String byIndex = rows(connection, true, query);
        if (!byIndex.equals(byTable)) {
          findings.add(
              "%s finds %s rows with %s, and the table has %s"
                  .formatted(definition, byIndex, kind.getValue(), byTable));
        }
        return 1;
      }
    }
    return 0; // of a catalog, or an extension
  }

  private static String rows(Connection connection, boolean byIndex, String query)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(
          "set enable_seqscan = %s; set enable_indexscan = %s; set enable_bitmapscan = %s"
              .formatted(byIndex ? "off" : "on", byIndex, byIndex));
    }
    return Content.column(connection, query).getFirst();
  }
}
