package dev.varve.testkit.workload;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/// Transactions within transactions, big ones that roll back, prepared ones, rows that several
/// lock.
final class TransactionOperations {

  private static final int MOST_PREPARED = 3;

  static final List<Operation> LIST =
      List.of(
          new Operation("savepoints", 8, TransactionOperations::savepoints),
          new Operation("many subtransactions", 2, TransactionOperations::manySubtransactions),
          new Operation("big rollback", 4, TransactionOperations::bigRollback),
          new Operation("shared locks", 5, TransactionOperations::sharedLocks),
          new Operation("key locks and update", 5, TransactionOperations::keyLocksAndUpdate));

  static final List<Operation> PREPARED =
      List.of(
          new Operation("prepare", 5, TransactionOperations::prepare),
          new Operation("end prepared", 4, TransactionOperations::endPrepared));

  private TransactionOperations() {}

  /// More than the 64 that a process keeps in shared memory, at times.
  private static void savepoints(WorkSession s) throws SQLException {
    String table = s.table();
    int depth = s.random.nextInt(1, 100);
    s.transaction(
        !s.oneIn(5),
        _ -> {
          var alive = new ArrayList<Integer>();
          for (int i = 0; i < depth; i++) {
            s.sql("savepoint s%d", i);
            alive.add(i);
            s.sql("insert into %s (k, v) values (%d, 'savepoint')", table, i);
            int last = alive.size() - 1;
            if (s.oneIn(10)) {
              int back = Math.max(0, last - s.random.nextInt(3));
              s.sql("rollback to s%d", alive.get(back));
              alive.subList(back + 1, alive.size()).clear();
            } else if (s.oneIn(10)) {
              s.sql("release s%d", alive.removeLast());
            }
          }
        });
  }

  private static void manySubtransactions(WorkSession s) throws SQLException {
    s.sql(
        """
        do $$ begin
          for i in 1..%d loop
            begin
              insert into %s (k, v) values (i, 'subtransaction');
              if i %% %d = 0 then perform 1 / 0; end if;
            exception when division_by_zero then null;
            end;
          end loop;
        end $$\
        """,
        s.random.nextInt(100, 3000), s.table(), s.random.nextInt(2, 9));
  }

  private static void bigRollback(WorkSession s) throws SQLException {
    String table = s.table();
    s.transaction(
        false,
        _ -> {
          s.sql(
              "insert into %s (k, v) select g, 'never' from generate_series(1, %d) g",
              table, s.random.nextInt(1000, 5000));
          s.sql("create table %s as select * from %s limit 500", s.name("t"), table);
          s.sql("create index on %s (k)", table);
          s.sql("delete from %s where k %% 2 = 0", table);
        });
  }

  /// Two transactions that lock the same rows make a multixact of each.
  private static void sharedLocks(WorkSession s) throws SQLException {
    String rows =
        "select 1 from %s where k %% %d = 0 for share"
            .formatted(s.table(), s.random.nextInt(2, 30));
    try (Connection other = s.other()) {
      other.setAutoCommit(false);
      WorkSession.run(other, rows);
      s.sql(rows);
      s.transaction(s.oneIn(2), _ -> s.sql(rows));
      other.commit();
    }
  }

  /// A lock that an update of other columns does not mind makes a multixact with an update in it.
  private static void keyLocksAndUpdate(WorkSession s) throws SQLException {
    String table = s.table();
    int modulus = s.random.nextInt(5, 40);
    try (Connection other = s.other()) {
      other.setAutoCommit(false);
      WorkSession.run(
          other, "select 1 from %s where k %% %d = 0 for key share".formatted(table, modulus));
      s.transaction(
          !s.oneIn(3), _ -> s.sql("update %s set h = h + 1 where k %% %d = 0", table, modulus));
      other.commit();
    }
  }

  private static List<String> prepared(WorkSession s) throws SQLException {
    return s.names(
        "select gid from pg_prepared_xacts where gid like '%s\\_%%' order by gid"
            .formatted(s.prefix()));
  }

  private static void prepare(WorkSession s) throws SQLException {
    if (prepared(s).size() >= MOST_PREPARED) {
      endPrepared(s);
      return;
    }
    String table = s.table();
    String id = s.prefix() + "_" + s.name("p");
    s.transaction(
        true,
        _ -> {
          s.sql("insert into %s (k, v) values (%d, 'prepared')", table, s.random.nextInt(1000));
          if (s.oneIn(3)) {
            s.sql("savepoint a; insert into %s (k, v) values (0, 'in savepoint')", table);
          }
          if (s.oneIn(3)) {
            s.sql("create table %s (id serial, k int, h int, v text, big text)", s.name("t"));
          }
          s.sql("prepare transaction '%s'", id);
        });
  }

  private static void endPrepared(WorkSession s) throws SQLException {
    List<String> prepared = prepared(s);
    if (!prepared.isEmpty()) {
      s.sql("%s prepared '%s'", s.oneIn(3) ? "rollback" : "commit", s.any(prepared));
    }
  }
}
