package dev.varve.postgres.page;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.sql.SQLException;

/// A server with pages of every kind: tables, indexes of all access methods, sequences, maps.
final class ServerPages {

  private ServerPages() {}

  static LocalCluster start(PgVersion version) throws IOException, SQLException {
    LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(version.major()))
            .setting("autovacuum", "off")
            .setting("track_commit_timestamp", "on")
            .start();
    cluster.execute(
        "create extension pageinspect",
        "create extension bloom",
        "create sequence numbers start 41",
        "select nextval('numbers')",
        "create table t (id int primary key, n int, t text, p point, a int[])",
        "insert into t select i, i % 50, md5(i::text), point(i, -i), array[i % 7, i % 11]"
            + " from generate_series(1, 4000) i",
        "create index t_n on t (n)",
        "create index t_hash on t using hash (t)",
        "create index t_gist on t using gist (p)",
        "create index t_spgist on t using spgist (t)",
        "create index t_gin on t using gin (a) with (fastupdate = on)",
        "create index t_brin on t using brin (id) with (pages_per_range = 4)",
        "create index t_bloom on t using bloom (id, n)",
        "insert into t select i, 3, 'x', point(i, i), array[5] from generate_series(4001, 4100) i",
        "delete from t where id between 100 and 300",
        "vacuum t",
        "update t set n = n + 1 where id between 1000 and 1020",
        "select id from t where id = 1500 for update",
        "create table wide (id int, big text)",
        "alter table wide alter column big set storage external",
        "insert into wide select i, repeat('wide', 3000) from generate_series(1, 20) i",
        "create unlogged table quick (id int primary key)",
        "insert into quick values (1)");
    return cluster;
  }
}
