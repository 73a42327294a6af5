package dev.varve.verify.corpus;

import dev.varve.cluster.LocalCluster;
import java.sql.SQLException;

/// Makes a server write every type of BRIN record there is, in indexes of all kinds of operator
/// classes.
final class BrinWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      BRIN/CREATE_INDEX: 0
      BRIN/DESUMMARIZE: 0 1
      BRIN/INSERT: 0 1
      BRIN/INSERT+INIT: 0 1
      BRIN/REVMAP_EXTEND: 0 1
      BRIN/SAMEPAGE_UPDATE: 0
      BRIN/UPDATE: 0 1 2
      BRIN/UPDATE+INIT: 0 1 2
      """;

  private final LocalCluster cluster;
  private final int scale;

  private BrinWorkload(LocalCluster cluster, int scale) {
    this.cluster = cluster;
    this.scale = scale;
  }

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> new BrinWorkload(cluster, scale).run();
  }

  private void run() throws Exception {
    kinds();
    growth();
    longSummaries();
    desummarized();
    autosummarized();
  }

  /// Every kind of operator class, on one table of one row or a few a block.
  private void kinds() throws SQLException {
    cluster.execute(
        "create table kinds (i int, t text, r int4range, p box, a inet, d timestamptz, pad text)"
            + " with (fillfactor = 10)",
        "alter table kinds alter pad set storage plain",
        "insert into kinds select i, md5(i::text), int4range(i, i + 10),"
            + " box(point(i, i), point(i + 1, i + 2)), ('10.0.0.' || i % 250)::inet,"
            + " timestamptz '2020-01-01' + i * interval '1 hour', repeat('p', 500)"
            + " from generate_series(1, 120) i",
        "create index kinds_minmax on kinds using brin (i, t, d) with (pages_per_range = 2)",
        "create index kinds_multi on kinds using brin (i int4_minmax_multi_ops(values_per_range=16),"
            + " d timestamptz_minmax_multi_ops) with (pages_per_range = 3)",
        "create index kinds_bloom on kinds using brin"
            + " (t text_bloom_ops(n_distinct_per_range=50), i int4_bloom_ops)"
            + " with (pages_per_range = 8)",
        "create index kinds_inclusion on kinds using brin"
            + " (r range_inclusion_ops, p box_inclusion_ops, a inet_inclusion_ops)"
            + " with (pages_per_range = 1)",
        "insert into kinds select i, md5((-i)::text), int4range(i, i + 1000), null,"
            + " ('10.1.0.' || i % 250)::inet, null, repeat('q', 400)"
            + " from generate_series(121, %d) i".formatted(120 + 100 * scale),
        "update kinds set i = -i, t = 'x' || t, r = int4range(i - 100, i + 100)"
            + " where i % 3 = 0",
        "select brin_summarize_new_values(i::regclass) from unnest(array['kinds_minmax',"
            + " 'kinds_multi', 'kinds_bloom', 'kinds_inclusion']) i",
        "delete from kinds where i % 4 = 1",
        "vacuum kinds",
        "insert into kinds select i * 7919, 'late', 'empty', box(point(0, 0), point(9999, 0)),"
            + " '::1'::inet, 'infinity', repeat('r', 90) from generate_series(1, 60) i",
        "vacuum kinds",
        "reindex table kinds");
  }

  /// Over 1360 ranges: the range map takes a second block, whose items have to move out.
  private void growth() throws SQLException {
    cluster.execute(
        "create table growth (i int, pad text) with (fillfactor = 10)",
        "alter table growth alter pad set storage plain",
        // Not every single insertion is compared, only what becomes of them.
        "set wal_consistency_checking = ''",
        "create index growth_i on growth using brin (i) with (pages_per_range = 1)",
        "insert into growth select i, repeat('g', 500) from generate_series(1, 1340) i",
        "select brin_summarize_new_values('growth_i')",
        "reset wal_consistency_checking",
        "insert into growth select i, repeat('g', 500) from generate_series(1341, %d) i"
            .formatted(1400 * scale),
        "select brin_summarize_new_values('growth_i')",
        "update growth set i = i + 100000 where i % 11 = 0",
        "vacuum growth");
  }

  /// Summaries of hundreds of bytes that grow: in their place, and to other pages, also new ones.
  private void longSummaries() throws SQLException {
    cluster.execute(
        "create table summaries (n int, t text) with (fillfactor = 20)",
        "alter table summaries alter t set storage plain",
        "create index summaries_t on summaries using brin (t) with (pages_per_range = 1)",
        "insert into summaries select i, lpad(i::text, 40, 'm') from generate_series(1, 500) i",
        "vacuum summaries");
    for (int round = 1; round <= 3; round++) {
      cluster.execute(
          "insert into summaries select i, repeat('%s', %d) from generate_series(1, 60) i"
              .formatted((char) ('m' + round), 200 * round),
          "update summaries set t = repeat('%s', %d) || n where n %% 7 = %d"
              .formatted((char) ('n' + round), 250 * round, round),
          "vacuum summaries",
          "update summaries set t = repeat('a', %d) where n %% 13 = %d"
              .formatted(300 * round, round),
          "vacuum summaries");
    }
  }

  private void desummarized() throws SQLException {
    cluster.execute(
        "select brin_desummarize_range('summaries_t', i) from generate_series(0, 8) i",
        "select brin_summarize_range('summaries_t', 3)",
        "select brin_summarize_new_values('summaries_t')",
        "select brin_desummarize_range('growth_i', 1365)",
        "select brin_desummarize_range('growth_i', i) from generate_series(20, 400, 20) i",
        "select brin_summarize_new_values('growth_i')",
        "select brin_desummarize_range('kinds_bloom', 0)",
        "select brin_desummarize_range('kinds_inclusion', i) from generate_series(0, 20) i",
        "select brin_summarize_new_values('kinds_inclusion')");
  }

  /// An insertion into a new range asks autovacuum to summarize the one before.
  private void autosummarized() throws Exception {
    cluster.execute(
        "create extension if not exists pageinspect",
        "create table auto (i int, pad text) with (fillfactor = 10)",
        "alter table auto alter pad set storage plain",
        "create index auto_i on auto using brin (i) with (pages_per_range = 1, autosummarize = on)",
        "insert into auto select i, repeat('x', 500) from generate_series(1, 40) i",
        "alter system set autovacuum_naptime = 1",
        "alter system set autovacuum_vacuum_threshold = 1000000000",
        "alter system set autovacuum_vacuum_insert_threshold = 1000000000",
        "alter system set autovacuum_analyze_threshold = 1000000000",
        "alter system set autovacuum = on",
        "select pg_reload_conf()");
    long deadline = System.nanoTime() + 120_000_000_000L;
    while (summarized() < 2) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("autovacuum has summarized nothing");
      }
      Thread.sleep(100);
    }
    cluster.execute("alter system set autovacuum = off", "select pg_reload_conf()");
  }

  private int summarized() throws SQLException {
    return Integer.parseInt(
        cluster.query(
            "select count(*) from brin_revmap_data(get_raw_page('auto_i', 1))"
                + " where pages <> '(0,0)'"));
  }
}
