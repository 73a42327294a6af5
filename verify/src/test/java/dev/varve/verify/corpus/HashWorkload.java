package dev.varve.verify.corpus;

import dev.varve.cluster.LocalCluster;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Stream;

/// Makes a server write every type of hash index record there is, but for the second bitmap page,
/// which takes 32768 overflow pages.
final class HashWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      Hash/ADD_OVFL_PAGE: 0 1 4
      Hash/ADD_OVFL_PAGE reused: 0 1 2 4
      Hash/DELETE few: 0 1
      Hash/DELETE many: 0 1
      Hash/DELETE many dead: 0 1
      Hash/INIT_BITMAP_PAGE: 0 1
      Hash/INIT_BITMAP_PAGE, init fork: 0 1
      Hash/INIT_META_PAGE: 0
      Hash/INIT_META_PAGE, init fork: 0
      Hash/INSERT: 0 1
      Hash/MOVE_PAGE_CONTENTS few: 0 1 2
      Hash/MOVE_PAGE_CONTENTS few first: 1 2
      Hash/MOVE_PAGE_CONTENTS many: 0 1 2
      Hash/MOVE_PAGE_CONTENTS many first: 1 2
      Hash/SPLIT_ALLOCATE_PAGE: 0 1 2
      Hash/SPLIT_ALLOCATE_PAGE masks point: 0 1 2
      Hash/SPLIT_ALLOCATE_PAGE point: 0 1 2
      Hash/SPLIT_CLEANUP: 0
      Hash/SPLIT_COMPLETE: 0 1
      Hash/SQUEEZE_PAGE many before: 0 1 2 5
      Hash/SQUEEZE_PAGE many: 0 1 2 3 5 6
      Hash/SQUEEZE_PAGE many first before: 1 2 5 6
      Hash/SQUEEZE_PAGE many first: 1 2 3 5 6
      Hash/SQUEEZE_PAGE none before: 0 1 2 5 6
      Hash/SQUEEZE_PAGE none: 0 2 3 5 6
      Hash/SQUEEZE_PAGE none first before: 1 2 5 6
      Hash/SQUEEZE_PAGE none first: 1 2 3 5 6
      Hash/UPDATE_META_PAGE: 0
      Hash/VACUUM_ONE_PAGE few: 0 1
      Hash/VACUUM_ONE_PAGE many: 0 1
      Hash/SPLIT_PAGE restored: 0
      """;

  private final LocalCluster cluster;
  private final int scale;

  private HashWorkload(LocalCluster cluster, int scale) {
    this.cluster = cluster;
    this.scale = scale;
  }

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> new HashWorkload(cluster, scale).run();
  }

  private void run() throws Exception {
    splits();
    for (int round = 0; round < scale; round++) {
      chains("chains" + round, round);
    }
    // Without it the page that becomes free has no image in the log, and redo has to make it.
    stopFullPageWrites();
    chains("bare", 0);
    gaps();
    cluster.execute("alter system reset full_page_writes", "select pg_reload_conf()");
    dead();
    builds();
    concurrent();
  }

  /// The checkpointer takes notice of the setting some time after the reload; then checkpoints say
  /// so.
  private void stopFullPageWrites() throws SQLException {
    cluster.execute("alter system set full_page_writes = off", "select pg_reload_conf()");
    long deadline = System.nanoTime() + 120_000_000_000L;
    do {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the server goes on writing full pages");
      }
      cluster.execute("checkpoint");
    } while (!cluster.query("select full_page_writes from pg_control_checkpoint()").equals("f"));
  }

  /// Many buckets of few items.
  private void splits() throws SQLException {
    cluster.execute(
        "create table spread (k int)",
        // Known to be empty: of a table that nothing is known of the planner expects hundreds.
        "analyze spread",
        "create index spread_k on spread using hash (k) with (fillfactor = 10)",
        "insert into spread select i from generate_series(1, %d) i".formatted(700 * scale),
        "delete from spread where k % 3 = 0",
        "vacuum spread",
        "insert into spread select i from generate_series(1, %d) i".formatted(300 * scale));
  }

  /// Few buckets of many pages, which vacuum empties here and there, in each round elsewhere, and
  /// which are filled again.
  private void chains(String table, int round) throws SQLException {
    execute(
        table,
        "create table TABLE (k int, n int)",
        "create index TABLE_k on TABLE using hash (k)",
        // Not every single insertion is compared, only what becomes of them.
        "set wal_consistency_checking = ''",
        "insert into TABLE select i % 3, i from generate_series(1, 5900) i",
        "reset wal_consistency_checking",
        "insert into TABLE select i % 3, i from generate_series(1, 300) i",
        // Whole pages' worth, then a few of each page, then most of all.
        "delete from TABLE where n between 1000 and %d".formatted(2600 + 300 * round),
        "vacuum TABLE",
        "delete from TABLE where n %% %d = 7".formatted(400 - 17 * round),
        "vacuum TABLE",
        "delete from TABLE where n % 2 = 0 and k < 2",
        "vacuum TABLE",
        "set wal_consistency_checking = ''",
        "insert into TABLE select 1, i from generate_series(1, 1500) i",
        "reset wal_consistency_checking",
        "insert into TABLE select 1, i from generate_series(1, 500) i",
        "delete from TABLE where n % 5 <> 0",
        "vacuum TABLE",
        "insert into TABLE select 1, i from generate_series(1, 60) i",
        "delete from TABLE",
        "vacuum TABLE");
  }

  private void execute(String table, String... statements) throws SQLException {
    cluster.execute(
        Stream.of(statements).map(s -> s.replace("TABLE", table)).toArray(String[]::new));
  }

  /// One bucket whose last page moves to its second one: the empty pages between them become free
  /// without anything that moves.
  private void gaps() throws SQLException {
    cluster.execute(
        "create table gaps (k int, n int)",
        "insert into gaps select 5, i from generate_series(1, 2400) i",
        "set wal_consistency_checking = ''",
        "create index gaps_k on gaps using hash (k)",
        "reset wal_consistency_checking",
        "delete from gaps where n between 600 and 2035 or n > 2066",
        "vacuum gaps",
        "insert into gaps select 5, i from generate_series(1, 30) i");
  }

  /// Items that scans find dead make room for new ones: one on a page, or many.
  private void dead() throws SQLException {
    cluster.execute(
        "create table dead (k int, n int)",
        "insert into dead select 5, i from generate_series(1, 450) i",
        "set wal_consistency_checking = ''",
        "create index dead_k on dead using hash (k)",
        "reset wal_consistency_checking",
        "delete from dead where n = 77",
        "set enable_seqscan = off",
        "set enable_bitmapscan = off",
        "select count(n) from dead where k = 5",
        "insert into dead values (5, 0)",
        "delete from dead where n % 5 = 0",
        "select count(n) from dead where k = 5",
        "insert into dead select 5, 0 from generate_series(1, 100)",
        "delete from dead where n = 0 or n % 3 = 0",
        "select count(n) from dead where k = 5",
        "vacuum dead");
  }

  private void builds() throws SQLException {
    cluster.execute(
        "create table texts (t text)",
        "insert into texts select md5(i::text) from generate_series(1, %d) i"
            .formatted(250 * scale),
        "create index texts_t on texts using hash (t) with (fillfactor = 40)",
        "create unlogged table unlogged (k int)",
        "create index unlogged_k on unlogged using hash (k)",
        "insert into unlogged values (1)",
        "reindex index texts_t",
        "create index concurrently texts_l on texts using hash (length(t))",
        "truncate texts",
        "insert into texts values ('a')",
        // The planner is made to expect more items than there are: the buckets come in steps.
        "create table few (k int)",
        "insert into few values (1)",
        "update pg_class set reltuples = 25000, relpages = 1 where relname = 'few'",
        "create index few_640 on few using hash (k) with (fillfactor = 10)",
        "update pg_class set reltuples = 33000, relpages = 1 where relname = 'few'",
        "create index few_896 on few using hash (k) with (fillfactor = 10)",
        "insert into few select i from generate_series(1, 100) i");
  }

  /// Sessions that add to the same buckets while these are split and vacuumed.
  private void concurrent() throws Exception {
    cluster.execute(
        "create table busy (k int, v int)",
        "create index busy_k on busy using hash (k) with (fillfactor = 20)",
        "create index busy_v on busy using hash (v) with (fillfactor = 20)");
    new Sessions(cluster, 0.125)
        .executeAtOnce(
            8 * scale,
            random ->
                List.of(
                    "insert into busy select (random() * 50)::int, (random() * 100000)::int"
                        + " from generate_series(1, 30)",
                    "delete from busy where v between %1$d and %1$d + 15000"
                        .formatted(random.nextInt(100_000))),
            "vacuum busy");
  }
}
