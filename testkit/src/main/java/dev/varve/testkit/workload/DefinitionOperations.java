package dev.varve.testkit.workload;

import java.sql.SQLException;
import java.util.List;

/// Tables, indexes and sequences that come, change and go.
final class DefinitionOperations {

  private static final int MOST_TABLES = 8;

  static final List<Operation> LIST =
      List.of(
          new Operation("create table", 5, DefinitionOperations::createTable),
          new Operation("drop table", 3, DefinitionOperations::dropTable),
          new Operation("truncate", 3, DefinitionOperations::truncate),
          new Operation("create index", 5, DefinitionOperations::createIndex),
          new Operation("drop index", 2, DefinitionOperations::dropIndex),
          new Operation("reindex", 2, s -> s.sql("reindex table %s", s.table())),
          new Operation("vacuum full", 2, s -> s.sql("vacuum full %s", s.table())),
          new Operation("cluster", 2, DefinitionOperations::cluster),
          new Operation("alter table", 3, DefinitionOperations::alter),
          new Operation("sequence", 5, DefinitionOperations::sequence),
          new Operation("view", 2, DefinitionOperations::materializedView),
          new Operation("temporary table", 2, DefinitionOperations::temporaryTable),
          new Operation("vacuum catalog", 1, s -> s.sql("vacuum pg_class")),
          new Operation("vacuum full catalog", 1, s -> s.sql("vacuum full pg_statistic")));

  private DefinitionOperations() {}

  static String createTable(WorkSession s) throws SQLException {
    List<String> tables = s.relations("r");
    if (tables.size() >= MOST_TABLES) {
      return s.any(tables);
    }
    String name = s.name("t");
    String logged = s.oneIn(6) ? "unlogged" : "";
    int fill = s.oneIn(2) ? 100 : s.random.nextInt(20, 100);
    s.transaction(
        true,
        _ -> {
          s.sql(
              "create %s table if not exists %s"
                  + " (id serial, k int, h int default 0, v text, big text)"
                  + " with (fillfactor = %d)",
              logged, name, fill);
          s.sql(
              "alter table %s alter big set storage %s",
              name, s.oneIn(2) ? "external" : "extended");
          if (s.oneIn(2)) {
            s.sql("alter table %s add primary key (id)", name);
          }
          if (s.oneIn(2)) {
            s.sql(
                "insert into %s (k, v) select g, g::text from generate_series(1, %d) g",
                name, s.random.nextInt(1, 500));
          }
        });
    return name;
  }

  private static void dropTable(WorkSession s) throws SQLException {
    List<String> tables = s.relations("r");
    if (!tables.isEmpty()) {
      s.sql("drop table %s cascade", s.any(tables));
    }
  }

  private static void truncate(WorkSession s) throws SQLException {
    String table = s.table();
    s.transaction(
        s.oneIn(2),
        _ -> {
          s.sql("truncate %s %s", table, s.oneIn(3) ? "restart identity" : "");
          s.sql("insert into %s (k, v) values (1, 'after')", table);
        });
  }

  /// What an index may be on; of each type of index that PostgreSQL has.
  private static final List<String> INDEXES =
      List.of(
          "(k)",
          "(v)",
          "(k, v)",
          "(lower(v))",
          "(k) include (h)",
          "(k desc) where k > 50",
          "using hash (k)",
          "using hash (v)",
          "using gin (to_tsvector('simple', v))",
          "using gin ((array[k, h])) with (fastupdate = off)",
          "using gist (point(k, h))",
          "using spgist (v)",
          "using spgist (point(k, h))",
          "using brin (k) with (pages_per_range = 2, autosummarize = on)",
          "using brin (id int4_minmax_multi_ops, v) with (pages_per_range = 1)");

  private static void createIndex(WorkSession s) throws SQLException {
    s.sql(
        "create index %s %s on %s %s",
        s.oneIn(4) ? "concurrently" : "", s.name("i"), s.table(), s.any(INDEXES));
  }

  private static void dropIndex(WorkSession s) throws SQLException {
    List<String> indexes = s.relations("i").stream().filter(i -> i.startsWith("i")).toList();
    if (!indexes.isEmpty()) {
      s.sql("drop index %s", s.any(indexes));
    }
  }

  private static void cluster(WorkSession s) throws SQLException {
    String table = s.table();
    String index = s.name("i");
    s.sql("create index %s on %s (k)", index, table);
    s.sql("cluster %s using %s", table, index);
  }

  private static void alter(WorkSession s) throws SQLException {
    String table = s.table();
    String column = s.name("c");
    switch (s.random.nextInt(4)) {
      case 0 -> {
        s.sql("alter table %s add column %s int default %d", table, column, s.random.nextInt(9));
        s.sql("alter table %s drop column %s", table, column);
      }
      case 1 -> s.sql("alter table %s alter h type %s", table, s.oneIn(2) ? "bigint" : "int");
      case 2 -> s.sql("alter table %s set logged", table);
      default -> s.sql("alter table %s set unlogged", table);
    }
  }

  private static void sequence(WorkSession s) throws SQLException {
    List<String> sequences = s.relations("S").stream().filter(n -> n.startsWith("s")).toList();
    if (sequences.isEmpty() || (sequences.size() < 4 && s.oneIn(4))) {
      s.sql("create sequence %s cache %d", s.name("s"), s.random.nextInt(1, 5));
      return;
    }
    String name = s.any(sequences);
    switch (s.random.nextInt(6)) {
      case 0 -> s.sql("drop sequence %s", name);
      case 1 -> s.sql("alter sequence %s restart with %d", name, s.random.nextInt(1, 1000));
      case 2 -> s.sql("select setval('%s', %d)", name, s.random.nextInt(1, 100_000));
      default ->
          s.sql(
              "select count(nextval('%s')) from generate_series(1, %d)",
              name, s.random.nextInt(1, 100));
    }
  }

  private static void materializedView(WorkSession s) throws SQLException {
    List<String> views = s.relations("m");
    if (views.isEmpty()) {
      s.sql(
          "create materialized view %s as select k, count(*) n from %s group by k",
          s.name("m"), s.table());
    } else if (s.oneIn(3)) {
      s.sql("drop materialized view %s", s.any(views));
    } else {
      s.sql("refresh materialized view %s", s.any(views));
    }
  }

  private static void temporaryTable(WorkSession s) throws SQLException {
    String name = s.name("temporary");
    s.sql("create temporary table %s as select generate_series(1, 100) a", name);
    s.sql("drop table %s", name);
  }
}
