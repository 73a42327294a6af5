package dev.varve.verify.corpus;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SplittableRandom;
import org.postgresql.PGConnection;

/// Statements that make PostgreSQL write every record of heap pages, sequences, visibility maps and
/// SLRUs that ordinary use can: by one session in a fixed order, then by several at once.
final class HeapWorkload implements Workload {

  private static final int CLIENTS = 4;
  private static final int KEYS = 400;

  private final int major;
  private final long seed;
  private final int scale;

  /// @param scale how much work the concurrent sessions do; 1 takes a few seconds
  HeapWorkload(int major, long seed, int scale) {
    this.major = major;
    this.seed = seed;
    this.scale = scale;
  }

  @Override
  public void run(LocalCluster cluster) throws Exception {
    tables(cluster);
    rows(cluster);
    copies(cluster);
    locks(cluster);
    visibility(cluster);
    maintenance(cluster);
    sequences(cluster);
    prepared(cluster);
    concurrently(cluster);
    cluster.execute("vacuum (freeze, analyze)", "checkpoint", "update heap set note = 'last'");
  }

  private static void tables(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "create table heap (id int primary key, n int, note text, big text) with (fillfactor=80)",
        "create table wide (id int, pad text, body text)",
        "alter table wide alter column body set storage external",
        "create table counted (id int primary key, hits int default 0)",
        "create table parts (id int, part int, note text) partition by list (part)",
        "create table parts1 partition of parts for values in (1)",
        "create table parts2 partition of parts for values in (2)",
        "create unlogged table volatile (id int, note text)",
        "create table parent (id int primary key, n int)",
        "alter table parent replica identity full",
        "create table child (id int, parent int references parent)");
  }

  private static void rows(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "insert into heap select i, i % 7, repeat('n', i % 50), repeat('b', i % 900)"
            + " from generate_series(1, 3000) i",
        "insert into heap values (3001, null, null, null), (3002, 1, null, 'x')",
        "update heap set note = note || 'hot' where id % 3 = 0",
        "update heap set note = 'x' || note where id % 11 = 0",
        "update heap set n = n + 1 where id % 5 = 0",
        "update heap set id = id + 100000 where id % 13 = 0",
        "update heap set big = repeat('longer', 200) where id % 17 = 0",
        "update heap set n = null, note = null where id % 19 = 0",
        "select count(*) from heap",
        "delete from heap where id % 23 = 0",
        "do $$ begin for i in 1..60 loop"
            + " update heap set note = 'chain' || i where id = 2; end loop; end $$",
        "insert into wide select i, repeat('p', 100), string_agg(md5(i::text || j), '')"
            + " from generate_series(1, 40) i, generate_series(1, 200) j group by i",
        "update wide set body = body || 'more' where id % 4 = 0",
        "delete from wide where id % 5 = 0",
        "insert into parts select i, 1, 'part' from generate_series(1, 500) i",
        "update parts set part = 2 where id % 3 = 0",
        "insert into volatile select i, 'v' from generate_series(1, 100) i",
        "begin; insert into heap select i, 0, 'gone', null from generate_series(200000, 200200) i;"
            + " rollback",
        "do $$ begin for i in 1..50 loop begin insert into heap values (300000 + i, i, 'sub', '');"
            + " update heap set n = 5 where id = i; if i % 3 = 0 then raise exception 'no'; end if;"
            + " exception when others then null; end; end loop; end $$");
  }

  private static void copies(LocalCluster cluster) throws SQLException, IOException {
    StringBuilder rows = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      rows.append(400_000 + i)
          .append('\t')
          .append(i)
          .append("\tcopied\t")
          .append("c".repeat(i % 80));
      rows.append('\n');
    }
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      var copy = connection.unwrap(PGConnection.class).getCopyAPI();
      copy.copyIn("copy heap from stdin", new StringReader(rows.toString()));
      statement.execute("create table frozen (like heap)");
      connection.setAutoCommit(false);
      statement.execute("truncate frozen");
      copy.copyIn("copy frozen from stdin with (freeze)", new StringReader(rows.toString()));
      connection.commit();
    }
    cluster.execute(
        "create table made as select * from heap",
        "update frozen set n = 1 where id % 100 = 0",
        "delete from frozen where id % 101 = 0");
  }

  /// Rows locked by several transactions at once, and followed along their updates.
  private static void locks(LocalCluster cluster) throws SQLException {
    cluster.execute("insert into parent select i, i from generate_series(1, 200) i");
    try (Connection first = cluster.connect();
        Connection second = cluster.connect();
        Statement one = first.createStatement();
        Statement two = second.createStatement()) {
      for (int round = 0; round < 40; round++) {
        first.setAutoCommit(false);
        second.setAutoCommit(false);
        one.execute("select * from parent where id % 40 = " + round + " for share");
        two.execute("select * from parent where id % 40 = " + round + " for key share");
        one.execute("savepoint s; select * from heap where id < 20 for update; rollback to s");
        one.execute("update parent set n = n + 1 where id % 40 = " + (round + 1) % 40);
        two.execute("select * from parent where id % 40 = " + (round + 1) % 40 + " for key share");
        two.execute("insert into child select id, id from parent where id % 40 = " + round);
        if (round % 2 == 0) {
          first.commit();
        } else {
          first.rollback();
        }
        second.commit();
      }
    }
    cluster.execute("delete from child", "delete from parent where id % 2 = 0");
  }

  /// Pages that become all-visible and frozen, and stop being it in every way.
  private static void visibility(LocalCluster cluster) throws SQLException {
    for (String freeze : new String[] {"", "(freeze)"}) {
      cluster.execute(
          "vacuum " + freeze + " made",
          "update made set note = 'seen' where id % 50 = 1",
          "vacuum " + freeze + " made",
          "delete from made where id % 60 = 2",
          "vacuum " + freeze + " made",
          "insert into made select i, 1, 'new', repeat('m', 50) from generate_series(1, 200) i",
          "vacuum " + freeze + " made",
          "begin; select * from made where id % 70 = 3 for share; commit",
          "begin; select * from made where id % 70 = 4 for update; rollback",
          "update made set id = -id, big = repeat('z', 800) where id % 90 = 5");
    }
    cluster.execute(
        "vacuum frozen",
        "copy (select * from made where id < 1000) to '/dev/null'",
        "insert into frozen select * from made where id between 100 and 600");
  }

  private static void maintenance(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "delete from heap where id % 4 = 1",
        "vacuum (index_cleanup on) heap",
        "delete from made where id > 200",
        "vacuum (truncate on) made",
        "insert into made select i, 2, 'again', repeat('q', 300) from generate_series(1, 1500) i",
        "vacuum made",
        "delete from made where id % 2 = 0",
        "vacuum (truncate off, index_cleanup off) made",
        "vacuum (freeze) wide",
        "analyze",
        "create index on heap (n)",
        "cluster parent using parent_pkey",
        "vacuum full child",
        "alter table counted add column late int default 7",
        "truncate volatile",
        "drop table parts2",
        "do $$ begin for i in 1..30 loop execute 'create table ddl' || i || ' (a int, b text)';"
            + " execute 'alter table ddl' || i || ' add column c int default 3';"
            + " if i % 3 = 0 then execute 'drop table ddl' || i; end if; end loop; end $$",
        "create index on heap (note)",
        "reindex table parent",
        "vacuum (freeze) pg_class, pg_attribute");
  }

  private void sequences(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "create sequence counter",
        "select nextval('counter') from generate_series(1, 100)",
        "select setval('counter', 5000)",
        "alter sequence counter restart with 7",
        "create table numbered (id serial, note text)",
        "insert into numbered (note) select 'x' from generate_series(1, 500)");
    if (major >= 15) {
      cluster.execute("create unlogged sequence loose", "select nextval('loose')");
    }
  }

  private static void prepared(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "begin; update heap set note = 'two' where id < 50; prepare transaction 'a'",
        "commit prepared 'a'",
        "begin; update heap set note = 'no' where id < 50; prepare transaction 'b'",
        "rollback prepared 'b'");
  }

  private void concurrently(LocalCluster cluster) throws Exception {
    Load.Plan plan = Load.Plan.steps(CLIENTS, seed, 250L * scale);
    try (Load load = Load.start(cluster::connect, plan, _ -> HeapWorkload::step)) {
      for (int i = 0; i < scale; i++) {
        cluster.execute("vacuum heap, counted, parent", "vacuum (freeze) counted", "analyze heap");
      }
      load.await();
    }
  }

  private static void step(Connection connection, SplittableRandom random) throws SQLException {
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      int count = 1 + random.nextInt(4);
      for (int i = 0; i < count; i++) {
        statement.execute(statement(random));
      }
      if (random.nextInt(6) == 0) {
        connection.rollback();
      } else {
        connection.commit();
      }
    } catch (SQLException e) {
      connection.rollback();
      // Deadlocks and duplicate keys are part of the game.
      if (!"40P01".equals(e.getSQLState()) && !"23505".equals(e.getSQLState())) {
        throw e;
      }
    }
  }

  private static String statement(SplittableRandom random) {
    int key = random.nextInt(KEYS);
    return switch (random.nextInt(10)) {
      case 0, 1, 2 ->
          "insert into counted (id, hits) values ("
              + key
              + ", 1)"
              + " on conflict (id) do update set hits = counted.hits + 1";
      case 3 -> "insert into counted (id) values (" + key + ") on conflict do nothing";
      case 4 -> "delete from counted where id = " + key;
      case 5 -> "select * from counted where id = " + key + " for key share";
      case 6 -> "update heap set note = repeat('w', " + random.nextInt(200) + ") where id = " + key;
      case 7 -> "savepoint p; update heap set n = n + 1 where id = " + key + "; rollback to p";
      case 8 -> "select * from heap where id = " + key + " for no key update";
      default ->
          "insert into wide values ("
              + key
              + ", 'w', (select string_agg(md5(random()::text), '') from generate_series(1, 100)))";
    };
  }
}
