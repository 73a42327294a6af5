package dev.varve.testkit.workload;

import java.sql.SQLException;
import java.util.List;

/// Rows put in, changed, taken out and tidied up.
final class RowOperations {

  static final List<Operation> LIST =
      List.of(
          new Operation("insert", 20, RowOperations::insert),
          new Operation("insert one by one", 10, RowOperations::insertSingly),
          new Operation("copy", 10, RowOperations::copy),
          new Operation("update", 20, RowOperations::update),
          new Operation("update in place", 10, RowOperations::updateInPlace),
          new Operation("delete", 8, RowOperations::delete),
          new Operation("long values", 6, RowOperations::longValues),
          new Operation("upsert", 4, RowOperations::lockAndUpdate),
          new Operation("vacuum", 6, RowOperations::vacuum),
          new Operation("read", 6, RowOperations::read));

  private RowOperations() {}

  static void insert(WorkSession s) throws SQLException {
    s.sql(
        "insert into %s (k, v) select g %% 97, md5(g::text || '%s') from generate_series(1, %d) g",
        s.table(), s.text(4), s.random.nextInt(1, 800));
  }

  private static void insertSingly(WorkSession s) throws SQLException {
    String table = s.table();
    for (int i = s.random.nextInt(1, 20); i > 0; i--) {
      s.sql(
          "insert into %s (k, v) values (%d, '%s')",
          table, s.random.nextInt(1000), s.text(s.random.nextInt(1, 200)));
    }
  }

  /// Rows of a copy are put into pages many at a time.
  private static void copy(WorkSession s) throws SQLException {
    s.sql(
        "copy %s (k, v) from program 'seq -f \"%%.0f,%s\" 1 %d' with (delimiter ',')",
        s.table(), s.text(20), s.random.nextInt(1, 1500));
  }

  static void update(WorkSession s) throws SQLException {
    s.sql(
        "update %s set k = k + 1, v = '%s' where k %% %d = 0",
        s.table(), s.text(s.random.nextInt(1, 100)), s.random.nextInt(5, 60));
  }

  /// Of a column that no index has.
  private static void updateInPlace(WorkSession s) throws SQLException {
    String table = s.table();
    for (int i = 0; i < 5; i++) {
      s.sql("update %s set h = h + 1 where k = %d", table, s.random.nextInt(97));
    }
  }

  static void delete(WorkSession s) throws SQLException {
    s.sql("delete from %s where k %% %d = 1", s.table(), s.random.nextInt(3, 20));
  }

  /// Stored out of line, compressed and not.
  private static void longValues(WorkSession s) throws SQLException {
    String table = s.table();
    s.sql(
        "insert into %s (k, v, big) values (%d, 'big', '%s'), (%d, 'big', repeat('%s', 3000))",
        table,
        s.random.nextInt(1000),
        s.text(s.random.nextInt(3000, 40_000)),
        s.random.nextInt(1000),
        s.text(7));
    if (s.oneIn(2)) {
      s.sql("update %s set big = big || 'x' where k %% 13 = 0", table);
    }
  }

  private static void lockAndUpdate(WorkSession s) throws SQLException {
    String table = s.table();
    s.transaction(
        true,
        _ -> {
          s.sql("select 1 from %s where k %% 11 = 0 for update", table);
          s.sql("update %s set h = h - 1 where k %% 22 = 0", table);
        });
  }

  private static void vacuum(WorkSession s) throws SQLException {
    String option =
        List.of("", "(freeze)", "(analyze)", "(index_cleanup on)").get(s.random.nextInt(4));
    s.sql("vacuum %s %s", option, s.table());
  }

  /// Reading prunes pages and sets hints.
  private static void read(WorkSession s) throws SQLException {
    s.sql("select count(v) from %s where k >= 0", s.table());
  }
}
