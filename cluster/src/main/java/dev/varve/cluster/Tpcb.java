package dev.varve.cluster;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.SplittableRandom;

/// The tables and the transaction of `pgbench`, which resemble TPC-B: a bank's branches, tellers
/// and accounts, and a history of what was moved.
///
/// Each transaction adds one amount to an account, a teller and a branch and notes it, so that in
/// every consistent state the four sums are equal ({@link #verify}).
///
/// @param branches the scale; each branch has 10 tellers
/// @param accounts of each branch; pgbench has 100 000
public record Tpcb(int branches, int accounts) {

  private static final int TELLERS = 10;

  private static final List<String> TABLES =
      List.of(
          "create table pgbench_branches (bid int not null, bbalance int, filler char(88))",
          "create table pgbench_tellers"
              + " (tid int not null, bid int, tbalance int, filler char(84))",
          "create table pgbench_accounts"
              + " (aid int not null, bid int, abalance int, filler char(84))",
          "create table pgbench_history"
              + " (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))");

  private static final List<String> KEYS =
      List.of(
          "alter table pgbench_branches add primary key (bid)",
          "alter table pgbench_tellers add primary key (tid)",
          "alter table pgbench_accounts add primary key (aid)");

  /// Makes and fills the tables; there must be none yet.
  public void initialize(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String table : TABLES) {
        statement.execute(table);
      }
      statement.execute(
          "insert into pgbench_branches select b, 0 from generate_series(1, %d) b"
              .formatted(branches));
      statement.execute(
          "insert into pgbench_tellers select t, (t - 1) / %d + 1, 0 from generate_series(1, %d) t"
              .formatted(TELLERS, branches * TELLERS));
      statement.execute(
          "insert into pgbench_accounts select a, (a - 1) / %d + 1, 0, ''".formatted(accounts)
              + " from generate_series(1, %d) a".formatted(branches * accounts));
      for (String key : KEYS) {
        statement.execute(key);
      }
      statement.execute("vacuum analyze");
    }
  }

  /// Starts clients that run the transaction; a step is one that committed.
  public Load start(Load.ConnectionSource source, Load.Plan plan) {
    return Load.start(source, plan, _ -> this::transaction);
  }

  private void transaction(Connection connection, SplittableRandom random) throws SQLException {
    int account = random.nextInt(branches * accounts) + 1;
    int teller = random.nextInt(branches * TELLERS) + 1;
    int branch = random.nextInt(branches) + 1;
    int delta = random.nextInt(10_001) - 5_000;
    connection.setAutoCommit(false);
    try {
      update(
          connection,
          "update pgbench_accounts set abalance = abalance + ? where aid = ?",
          delta,
          account);
      read(connection, account);
      update(
          connection,
          "update pgbench_tellers set tbalance = tbalance + ? where tid = ?",
          delta,
          teller);
      update(
          connection,
          "update pgbench_branches set bbalance = bbalance + ? where bid = ?",
          delta,
          branch);
      update(
          connection,
          "insert into pgbench_history (tid, bid, aid, delta, mtime)"
              + " values (?, ?, ?, ?, current_timestamp)",
          teller,
          branch,
          account,
          delta);
      connection.commit();
    } catch (SQLException e) {
      if (!connection.isClosed()) {
        connection.rollback();
      }
      throw e;
    }
  }

  private static void update(Connection connection, String sql, int... values) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setInt(i + 1, values[i]);
      }
      if (statement.executeUpdate() != 1) {
        throw new SQLException("a row that must be there is not: " + statement);
      }
    }
  }

  private static void read(Connection connection, int account) throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement("select abalance from pgbench_accounts where aid = ?")) {
      statement.setInt(1, account);
      try (ResultSet rows = statement.executeQuery()) {
        rows.next();
      }
    }
  }

  /// Checks that every row is there and the sums agree.
  ///
  /// @throws SQLException naming the counts and sums, when they don't
  public void verify(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                """
                select (select count(*) from pgbench_branches),
                       (select count(*) from pgbench_tellers),
                       (select count(*) from pgbench_accounts),
                       (select sum(bbalance) from pgbench_branches),
                       (select sum(tbalance) from pgbench_tellers),
                       (select sum(abalance) from pgbench_accounts),
                       (select coalesce(sum(delta), 0) from pgbench_history)
                """)) {
      row.next();
      boolean whole =
          row.getLong(1) == branches
              && row.getLong(2) == (long) branches * TELLERS
              && row.getLong(3) == (long) branches * accounts;
      long sum = row.getLong(4);
      if (!whole || sum != row.getLong(5) || sum != row.getLong(6) || sum != row.getLong(7)) {
        throw new SQLException(
            "branches %d, tellers %d, accounts %d; sums %d, %d, %d, history %d"
                .formatted(
                    row.getLong(1),
                    row.getLong(2),
                    row.getLong(3),
                    sum,
                    row.getLong(5),
                    row.getLong(6),
                    row.getLong(7)));
      }
    }
  }
}
