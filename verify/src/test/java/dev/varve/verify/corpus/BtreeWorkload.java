package dev.varve.verify.corpus;

import java.sql.SQLException;
import java.util.List;

/// Makes a server write every type of B-tree record there is.
final class BtreeWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      Btree/INSERT_LEAF: 0
      Btree/INSERT_UPPER: 0 1
      Btree/INSERT_META: 0 1 2
      Btree/INSERT_POST: 0
      Btree/SPLIT_L: 0 1 2 3
      Btree/SPLIT_R: 0 1 2 3
      Btree/SPLIT_L posting: 0
      Btree/SPLIT_R posting: 0
      Btree/DEDUP: 0
      Btree/DELETE many: 0
      Btree/DELETE updates: 0
      Btree/DELETE many updates: 0
      Btree/VACUUM few: 0
      Btree/VACUUM many: 0
      Btree/VACUUM updates: 0
      Btree/VACUUM few updates: 0
      Btree/VACUUM many updates: 0
      Btree/MARK_PAGE_HALFDEAD: 0 1
      Btree/UNLINK_PAGE: 0 1 2 3
      Btree/UNLINK_PAGE_META: 0 2 3 4
      Btree/NEWROOT: 0 1 2
      Btree/NEWROOT leaf: 0 2
      Btree/META_CLEANUP: 0
      Btree/REUSE_PAGE
      """;

  private final Sessions sessions;
  private final int scale;

  private BtreeWorkload(Sessions sessions, int scale) {
    this.sessions = sessions;
    this.scale = scale;
  }

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> new BtreeWorkload(new Sessions(cluster, 0.5), scale).run();
  }

  private void run() throws Exception {
    ascending();
    texts();
    duplicates();
    gaps();
    wide();
    tall();
    versions();
    builds();
    concurrent();
  }

  /// Right-most splits, a queue's deletions at the left end, recycled pages, a unique index.
  private void ascending() throws SQLException {
    sessions.execute(
        "create table queue (id bigint primary key, at int)",
        "create index queue_back on queue ((-id)) with (fillfactor = 60)",
        "insert into queue select i, i from generate_series(1, %d) i".formatted(2500 * scale),
        "delete from queue where id < %d".formatted(2000 * scale),
        "vacuum queue",
        "insert into queue select i, i from generate_series(%1$d, %1$d + 1000) i"
            .formatted(4000 * scale + 1),
        "vacuum queue",
        "delete from queue where id between %1$d + 100 and %1$d + 900".formatted(4000 * scale),
        "vacuum queue",
        "vacuum queue",
        "insert into queue select i, i from generate_series(%1$d, %1$d + 2000) i"
            .formatted(6000 * scale + 1),
        "insert into queue select i, 0 from generate_series(3490, 4010) i on conflict do nothing",
        "begin; savepoint a; insert into queue values (-1, 0); rollback to a; "
            + "insert into queue values (-2, 0); commit");
  }

  /// Random keys of many lengths: splits in the middle, truncated high keys.
  private void texts() throws SQLException {
    sessions.execute(
        "create table texts (k text, n int)",
        "create index texts_k on texts (k)",
        "create unique index texts_nk on texts (n, k)",
        "create index texts_c on texts (left(k, 1), k text_pattern_ops)",
        "insert into texts select repeat(md5(i::text), 1 + i % 7), i % 1000"
            + " from generate_series(1, %d) i".formatted(2500 * scale),
        "update texts set k = 'z' || k where n % 7 = 0",
        "delete from texts where n % 3 = 0",
        "vacuum texts",
        "insert into texts select md5(i::text), -i from generate_series(1, %d) i"
            .formatted(1000 * scale),
        "vacuum texts");
  }

  /// Posting lists: made, split, thinned out, with keys that deduplicate and some that may not.
  private void duplicates() throws SQLException {
    sessions.execute(
        "create table dup (k int, t text, f float8)",
        "create index dup_k on dup (k)",
        "create index dup_t on dup (t)",
        "create index dup_f on dup (f)",
        "create index dup_plain on dup (k) with (deduplicate_items = off)");
    for (int round = 0; round < 3 + scale; round++) {
      sessions.execute(
          ("insert into dup select (random() * 6)::int, 'value ' || (random() * 30)::int,"
                  + " (random() * 3)::int from generate_series(1, %d)")
              .formatted(1000 * scale),
          "delete from dup where random() < 0.%d".formatted(3 + round % 3),
          "vacuum dup");
    }
    // One row at a time goes where vacuum made room: heap TIDs into the middle of posting lists.
    sessions.execute(
        "delete from dup where random() < 0.3",
        "vacuum dup",
        ("do $$ begin for i in 1..%d loop insert into dup values (i %% 3, 'value 3', 1);"
                + " end loop; end $$")
            .formatted(600 * scale),
        "create table few (k int, n int)",
        "insert into few select i / 500, i from generate_series(1, 501) i",
        "create index few_k on few (k)",
        "delete from few where n in (77, 501)",
        "vacuum (index_cleanup on) few",
        "create table same (k int)",
        "create index same_k on same (k)",
        "insert into same select 7 from generate_series(1, %d)".formatted(3000 * scale),
        "delete from same where random() < 0.5",
        "vacuum same",
        "insert into same select 7 from generate_series(1, %d)".formatted(2500 * scale),
        "delete from same where random() < 0.02",
        "vacuum same");
  }

  /// Heap TIDs into the middle of posting lists on pages that are full: splits of both at once.
  private void gaps() throws SQLException {
    sessions.execute(
        "create table gaps (k int, n int)",
        "insert into gaps select i % 7, i from generate_series(1, 20000) i",
        "delete from gaps where hashint4(n / 50) % 4 = 0",
        "vacuum gaps",
        "create index gaps_k on gaps (k) with (fillfactor = 100)",
        // Of these lengths and fill factors some splits put the new item first on the right.
        "create index gaps_8 on gaps (rpad('', 139 + 0 * k, 'g')) with (fillfactor = 92)",
        "create index gaps_17 on gaps (rpad('', 292 + 0 * k, 'g')) with (fillfactor = 83)",
        "create index gaps_18 on gaps (rpad('', 309 + 0 * k, 'g')) with (fillfactor = 82)",
        "insert into gaps select i % 7, -i from generate_series(1, 3500) i");
  }

  /// Keys of several columns, included columns, nulls.
  private void wide() throws SQLException {
    sessions.execute(
        "create table wide (a int, b numeric, c text, d timestamptz, e int)",
        "create index wide_abc on wide (a, b, c)",
        "create unique index wide_e on wide (e) include (c, d)",
        "create index wide_da on wide (d desc nulls last, a) include (b)",
        ("insert into wide select i %% 17, case when i %% 5 > 0 then i / 7.0 end,"
                + " repeat('w', i %% 90), timestamptz '2020-01-01' + (i %% 400) * interval '1 day',"
                + " (i * 7919) %% 1000003 from generate_series(1, %d) i")
            .formatted(1000 * scale),
        "update wide set b = b + 1, c = c || 'x' where a in (3, 4, 5)",
        "delete from wide where a < 9",
        "vacuum wide");
  }

  /// Three tuples to a page: many levels, whole branches deleted, a fast root below the true one.
  private void tall() throws SQLException {
    sessions.execute(
        "create table tall (k text)",
        "alter table tall alter k set storage plain",
        "create index tall_k on tall (k)",
        // A key that no prefix shortens, and that the pivot tuples need whole.
        "insert into tall select lpad(i::text, 6, '0') || repeat('k', 2400)"
            + " from generate_series(1, %d) i".formatted(300 * scale),
        "delete from tall where k > '000100'",
        "vacuum tall",
        "vacuum tall",
        "insert into tall select lpad(i::text, 6, '0') || repeat('k', 2400)"
            + " from generate_series(101, %d) i".formatted(160 * scale),
        "delete from tall where k > '000004'",
        "vacuum tall",
        "select txid_current()",
        "vacuum tall",
        "insert into tall select lpad(i::text, 6, '0') || repeat('k', 2400)"
            + " from generate_series(5, %d) i".formatted(80 * scale),
        "delete from tall where k between '000020' and '000060'",
        "vacuum tall",
        "delete from tall",
        "vacuum tall",
        // One page is left on the leaves' level: when it splits, the fast root goes up again.
        "insert into tall select lpad(i::text, 6, '0') || repeat('k', 2400)"
            + " from generate_series(1, %d) i".formatted(30 * scale));
  }

  /// Updates that leave many versions of the same key: bottom-up deletion, and deletion of items
  /// that scans found dead.
  private void versions() throws SQLException {
    sessions.execute(
        "create table versions (id int primary key, a int, b int)",
        "create index versions_a on versions (a)",
        "create index versions_b on versions (b)",
        "insert into versions select i, i, i %% 5 from generate_series(1, %d) i"
            .formatted(500 * scale));
    for (int round = 0; round < 9; round++) {
      sessions.execute("update versions set a = a + 1");
    }
    for (int round = 0; round < 6; round++) {
      sessions.execute(
          "set enable_seqscan = off",
          "delete from versions where id %% 6 = %d".formatted(round),
          "set enable_seqscan = off; select count(a) from versions where a > 0",
          "set enable_seqscan = off; select count(*) from versions where id > 0",
          "insert into versions select i, i, i %% 5 from generate_series(1, %d) i where i %% 6 = %d"
              .formatted(500 * scale, round));
    }
  }

  private void builds() throws SQLException {
    sessions.execute(
        "create index queue_at on queue (at) with (fillfactor = 100)",
        "create index concurrently texts_n on texts (n)",
        "reindex table dup",
        "insert into dup select (random() * 6)::int, 'value ' || (random() * 30)::int, 2"
            + " from generate_series(1, %d)".formatted(500 * scale),
        "insert into queue select -i, i from generate_series(3, 700) i",
        "cluster wide using wide_abc",
        "insert into wide select i % 17, 1, 'late', null, -i from generate_series(1, 300) i",
        "create table cut (k int primary key)",
        "insert into cut select generate_series(1, 1000)",
        "truncate cut",
        "insert into cut select generate_series(1, 500)");
  }

  /// Sessions that split the same pages at the same time, while vacuum runs.
  private void concurrent() throws Exception {
    sessions.execute(
        "create table busy (k int, v int)",
        "create index busy_k on busy (k)",
        "create index busy_v on busy (v)");
    sessions.executeAtOnce(
        25 * scale,
        random ->
            List.of(
                "insert into busy select (random() * 50)::int, (random() * 100000)::int"
                    + " from generate_series(1, 30)",
                "delete from busy where v between %1$d and %1$d + 15000"
                    .formatted(random.nextInt(100_000))),
        "vacuum busy");
  }
}
