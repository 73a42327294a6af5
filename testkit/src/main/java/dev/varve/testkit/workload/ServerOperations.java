package dev.varve.testkit.workload;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;

/// What concerns the whole server.
final class ServerOperations {

  private static final int STRATEGIES_SINCE = 15;

  static final List<Operation> DATABASES =
      List.of(new Operation("database", 1, ServerOperations::database));

  static final List<Operation> TABLESPACES =
      List.of(
          new Operation("tablespace", 1, ServerOperations::tablespace),
          new Operation("move table", 1, ServerOperations::moveTable));

  static final List<Operation> CHECKPOINTS =
      List.of(
          new Operation("checkpoint", 2, s -> s.sql("checkpoint")),
          new Operation("switch segment", 1, s -> s.sql("select pg_switch_wal()")));

  private ServerOperations() {}

  private static void database(WorkSession s) throws SQLException {
    List<String> databases =
        s.names(
            "select datname from pg_database where datname like '%s\\_%%' order by 1"
                .formatted(s.prefix()));
    if (databases.size() >= 2) {
      s.sql("drop database %s with (force)", s.any(databases));
      return;
    }
    int major = s.connection.getMetaData().getDatabaseMajorVersion();
    String strategy =
        major < STRATEGIES_SINCE ? "" : s.oneIn(2) ? "strategy wal_log" : "strategy file_copy";
    s.sql("create database %s_%s template template0 %s", s.prefix(), s.name("d"), strategy);
  }

  private static List<String> tablespaces(WorkSession s) throws SQLException {
    return s.names(
        "select spcname from pg_tablespace where spcname like '%s\\_%%' order by 1"
            .formatted(s.prefix()));
  }

  private static void tablespace(WorkSession s) throws SQLException {
    List<String> tablespaces = tablespaces(s);
    if (tablespaces.isEmpty()) {
      String name = s.prefix() + "_" + s.name("ts");
      Path directory = s.newDirectory(name);
      s.sql("create tablespace %s location '%s'", name, directory);
    } else {
      // Which fails while tables are in it.
      s.sql("drop tablespace %s", s.any(tablespaces));
    }
  }

  private static void moveTable(WorkSession s) throws SQLException {
    List<String> tablespaces = tablespaces(s);
    String target = tablespaces.isEmpty() || s.oneIn(2) ? "pg_default" : s.any(tablespaces);
    s.sql("alter table %s set tablespace %s", s.table(), target);
  }
}
