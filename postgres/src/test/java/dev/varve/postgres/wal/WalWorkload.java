package dev.varve.postgres.wal;

import dev.varve.cluster.LocalCluster;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/// Makes a server write records of as many types as SQL can make it write in a few seconds.
final class WalWorkload {

  private WalWorkload() {}

  static void run(LocalCluster cluster) throws Exception {
    tables(cluster);
    for (String method : compressions(cluster)) {
      images(cluster, method);
    }
    indexes(cluster);
    transactions(cluster);
    concurrency(cluster);
    databases(cluster);
    others(cluster);
  }

  private static void tables(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "create sequence numbers",
        "create table plain (id int primary key, n int, t text)",
        "insert into plain select i, nextval('numbers'), repeat('x', i % 100)"
            + " from generate_series(1, 20000) i",
        "create table copied as select i, md5(i::text) m from generate_series(1, 20000) i",
        "update plain set n = n + 1 where id % 3 = 0",
        "delete from plain where id % 7 = 0",
        "vacuum plain",
        "update plain set t = t || 'y' where id < 3000",
        "vacuum (freeze) plain",
        "truncate copied",
        "create table big (t text)",
        "alter table big alter t set storage external",
        // Records that need many pages, and some longer than a segment.
        "insert into big select repeat(md5(i::text), 20000) from generate_series(1, 3) i",
        "select pg_logical_emit_message(false, 'long', repeat('m', 2500000))",
        "vacuum full plain",
        "cluster plain using plain_pkey",
        "drop table copied");
  }

  /// What `wal_compression` can be set to.
  static String[] compressions(LocalCluster cluster) throws SQLException {
    return cluster
        .query(
            "select array_to_string(enumvals, ' ') from pg_settings where name = 'wal_compression'"
                + " and vartype = 'enum' union all select 'off on' limit 1")
        .split(" ");
  }

  private static void images(LocalCluster cluster, String method) throws SQLException {
    String table = "image_" + method;
    cluster.execute(
        "create table " + table + " (id int, t text)",
        "insert into " + table + " select i, md5((i / 10)::text) from generate_series(1, 3000) i",
        "checkpoint");
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("set wal_compression = " + method);
      statement.execute("update " + table + " set id = id + 1 where id % 100 = 0");
      statement.execute("create index on " + table + " (t)");
      statement.execute("set wal_consistency_checking = 'all'");
      statement.execute("delete from " + table + " where id % 50 = 0");
      statement.execute("insert into " + table + " select i, 'c' from generate_series(1, 50) i");
    }
  }

  private static void indexes(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "create table keys (id int, a int[], p point, t text)",
        "create index on keys using btree (id)",
        "create index on keys using hash (id)",
        "create index on keys using gin (a)",
        "create index on keys using gist (p)",
        "create index on keys using spgist (t)",
        "create index on keys using brin (id) with (pages_per_range = 1)",
        "insert into keys select i, array[i % 50, i % 7], point(i % 90, i), md5(i::text)"
            + " from generate_series(1, 6000) i",
        "update keys set id = id + 100000 where id % 2 = 0",
        "delete from keys where id < 3000 or id > 101000",
        "vacuum keys",
        "select brin_summarize_new_values('keys_id_idx2')",
        "insert into keys select i, array[1], point(1, i), 't' from generate_series(1, 1000) i",
        "delete from keys",
        "vacuum keys",
        "vacuum keys");
  }

  private static void transactions(LocalCluster cluster) throws SQLException {
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("begin; insert into plain values (-1, 1, 'p'); prepare transaction 'one'");
      statement.execute("begin; insert into plain values (-2, 1, 'p'); prepare transaction 'two'");
      statement.execute("commit prepared 'one'");
      statement.execute("rollback prepared 'two'");
      statement.execute("begin; insert into plain values (-3, 1, 'r'); rollback");
      statement.execute(
          """
          do $$ begin
            for i in 1..100 loop
              begin
                insert into plain values (-1000 - i, i, 's');
                if i % 3 = 0 then raise exception 'undo'; end if;
              exception when raise_exception then null;
              end;
            end loop;
          end $$\
          """);
      statement.execute("insert into plain values (-3, 1, 'c') on conflict do nothing");
      statement.execute("begin; create table gone (a int); insert into gone values (1); rollback");
    }
  }

  /// Two sessions that lock the same rows: multixacts.
  private static void concurrency(LocalCluster cluster) throws SQLException {
    try (Connection one = cluster.connect();
        Connection two = cluster.connect();
        Statement first = one.createStatement();
        Statement second = two.createStatement()) {
      for (int round = 0; round < 20; round++) {
        first.execute("begin; select * from plain where id between 1 and 40 for share");
        second.execute("begin; select * from plain where id between 1 and 40 for key share");
        second.execute("commit");
        first.execute("commit");
      }
      first.execute("begin; lock table plain in access exclusive mode; commit");
    }
  }

  private static void databases(LocalCluster cluster) throws Exception {
    var place = cluster.newDirectory("space");
    cluster.execute("create tablespace space location '" + place + "'");
    if (!cluster.query("show server_version_num").startsWith("14")) {
      cluster.execute("create database copied strategy file_copy");
      cluster.execute("drop database copied");
    }
    cluster.execute(
        "create database other",
        "create table there (a int) tablespace space",
        "drop table there",
        "drop tablespace space",
        "drop database other");
  }

  private static void others(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "select pg_create_restore_point('here')",
        "select pg_logical_emit_message(true, 'short', 'message')",
        "select pg_replication_origin_create('origin')",
        "select pg_replication_origin_drop('origin')",
        "select pg_switch_wal()",
        "vacuum full pg_class",
        "alter system set full_page_writes = off",
        "select pg_reload_conf()",
        "checkpoint",
        "reindex table plain");
  }
}
