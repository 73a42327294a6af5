package dev.varve.datadir;

import dev.varve.cluster.LocalCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/// What users do to a server, of every kind that leaves a trace in its files.
final class ServerWorkload {

  private final LocalCluster cluster;

  ServerWorkload(LocalCluster cluster) {
    this.cluster = cluster;
  }

  /// Before the backup.
  void prepare() throws SQLException, IOException {
    Path tablespace = cluster.newDirectory("elsewhere");
    cluster.execute(
        "create table accounts (id int primary key, balance int, filler text)",
        "insert into accounts select i, 0, repeat('x', 80) from generate_series(1, 5000) i",
        "create sequence numbers",
        "create unlogged table scratch (id int primary key)",
        "create table shrinking as select i as id, repeat('y', 200) as filler from"
            + " generate_series(1, 4000) i",
        "create table gone as select 1 as id",
        "create table pending (id int, t text)",
        "create database other",
        "create tablespace elsewhere location '" + tablespace + "'",
        "create table far (id int primary key, t text) tablespace elsewhere",
        "insert into far select i, 'far' from generate_series(1, 300) i",
        "vacuum freeze accounts");
  }

  /// After it.
  void run() throws SQLException {
    rows();
    subtransactions();
    prepared();
    multixacts();
    relations();
    databases();
    rows();
  }

  private void rows() throws SQLException {
    cluster.execute(
        "update accounts set balance = balance + 1 where id % 7 = 0",
        "delete from accounts where id % 50 = 3",
        "insert into accounts select i, 0, 'again' from generate_series(1, 5000) i on conflict do"
            + " nothing",
        "select nextval('numbers') from generate_series(1, 100)",
        "select setval('numbers', 5000)",
        "vacuum accounts",
        "update accounts set balance = -1 where id in (1, 2, 3, 4444)",
        "delete from far where id < 20",
        "vacuum far",
        "checkpoint",
        "update accounts set filler = 'short' where id % 11 = 0");
  }

  private void subtransactions() throws SQLException {
    cluster.execute(
        """
        do $$
        begin
          for i in 1..3000 loop
            begin
              insert into accounts values (100000 + i, i, 'sub');
              if i % 3 = 0 then raise exception 'no'; end if;
            exception when raise_exception then null;
            end;
          end loop;
        end $$
        """);
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("insert into accounts values (200000, 1, 'rolled back')");
      connection.rollback();
    }
  }

  private void prepared() throws SQLException {
    cluster.execute(
        "begin; insert into pending values (1, 'a'); prepare transaction 'kept'",
        "begin; savepoint s; insert into pending values (2, 'b'); prepare transaction 'committed'",
        "begin; create table never (id int); insert into never values (1); prepare transaction"
            + " 'aborted'",
        "checkpoint",
        "commit prepared 'committed'",
        "rollback prepared 'aborted'");
  }

  private void multixacts() throws SQLException {
    for (int i = 0; i < 3; i++) {
      try (Connection first = cluster.connect();
          Connection second = cluster.connect();
          Statement one = first.createStatement();
          Statement two = second.createStatement()) {
        first.setAutoCommit(false);
        second.setAutoCommit(false);
        one.execute("select * from accounts where id between 100 and 140 for key share");
        two.execute("select * from accounts where id between 100 and 140 for share");
        first.commit();
        second.commit();
      }
    }
    cluster.execute("vacuum freeze accounts");
  }

  private void relations() throws SQLException {
    cluster.execute(
        "delete from shrinking where id > 500",
        "vacuum shrinking",
        "insert into shrinking select i, 'regrown' from generate_series(1, 9000) i",
        "truncate gone",
        "insert into gone select i from generate_series(1, 1000) i",
        "drop table gone",
        "create table built as select i as id, i % 10 as k from generate_series(1, 20000) i",
        "create index on built (k)",
        "create unique index on built (id)",
        "cluster accounts using accounts_pkey",
        "vacuum full far",
        "vacuum full pg_class",
        "reindex table accounts",
        "insert into scratch values (1)",
        "create unlogged table scratch2 (id serial primary key)",
        "alter table scratch set logged",
        "alter table far set tablespace pg_default",
        "begin; create table undone as select 1; truncate built; rollback",
        "vacuum analyze accounts");
  }

  private void databases() throws SQLException {
    int major = cluster.binaries().major();
    cluster.execute("create database made");
    if (major >= 15) {
      cluster.execute("create database copied template other strategy file_copy");
    } else {
      cluster.execute("create database copied template other");
    }
    cluster.execute("create database doomed");
    for (String database : new String[] {"other", "copied", "doomed"}) {
      try (Connection connection = cluster.connect(database);
          Statement statement = connection.createStatement()) {
        statement.execute("create table t as select i from generate_series(1, 500) i");
        statement.execute("vacuum freeze t");
      }
    }
    cluster.execute(
        "drop database doomed",
        "alter database copied set tablespace elsewhere",
        "create database far_copy template copied tablespace elsewhere");
  }
}
