package dev.varve.verify.corpus;

import java.sql.SQLException;
import java.util.List;

/// Makes a server write every type of GIN record there is.
final class GinWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      Gin/CREATE_PTREE: 0
      Gin/INSERT entry inner: 0 1
      Gin/INSERT entry leaf: 0
      Gin/INSERT entry leaf replace: 0
      Gin/INSERT data inner: 0 1
      Gin/INSERT any -: 0
      Gin/INSERT any +: 0
      Gin/INSERT any =: 0
      Gin/INSERT any add: 0
      Gin/SPLIT restored: 0 1 2
      Gin/SPLIT entry inner: 3
      Gin/VACUUM_PAGE restored: 0
      Gin/VACUUM_DATA_LEAF_PAGE any -: 0
      Gin/VACUUM_DATA_LEAF_PAGE any =: 0
      Gin/DELETE_PAGE: 0 1 2
      Gin/UPDATE_META_PAGE first: 0
      Gin/UPDATE_META_PAGE tuples: 0 1
      Gin/UPDATE_META_PAGE link: 0 1
      Gin/INSERT_LISTPAGE inner: 0
      Gin/INSERT_LISTPAGE last: 0
      Gin/DELETE_LISTPAGE: 0 1 16
      """;

  private final Sessions sessions;
  private final int scale;

  private GinWorkload(Sessions sessions, int scale) {
    this.sessions = sessions;
    this.scale = scale;
  }

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> new GinWorkload(new Sessions(cluster, 0.5), scale).run();
  }

  /// An inner page of a posting tree that is full, so that it splits when a leaf below does: a tree
  /// of over six million TIDs, none of them from the first heap pages, where then rows go.
  static Workload giant() {
    return cluster ->
        cluster.execute(
            "create table giant ()",
            "copy giant from program 'yes \"\" | head -n 7000000'",
            "delete from giant where ctid < '(400,0)' and hashtid(ctid) % 3 = 0",
            "vacuum giant",
            "create index giant_1 on giant using gin ((array[1])) with (fastupdate = off)",
            "insert into giant select from generate_series(1, 20000)");
  }

  private void run() throws Exception {
    postingTrees();
    refills();
    entries();
    pending();
    documents();
    builds();
    concurrent();
  }

  /// Posting trees of several leaves, built full, that split when TIDs come between the old ones;
  /// vacuum thins out their segments and deletes whole leaves.
  private void postingTrees() throws SQLException {
    sessions.execute(
        "create table trees (id int, a int[])",
        "insert into trees select i, array[1, 2, 3, 4 + i %% 2] from generate_series(1, %d) i"
            .formatted(20_000 + 10_000 * scale),
        "delete from trees where id < 6000 and id % 3 = 0",
        "vacuum trees",
        "create index trees_a on trees using gin (a) with (gin_pending_list_limit = 4096)",
        "insert into trees select -i, array[1, 2, 3, 4 + i %% 3] from generate_series(1, %d) i"
            .formatted(600 * scale),
        "select gin_clean_pending_list('trees_a')",
        "delete from trees where id between -500 and -100",
        "vacuum trees",
        "delete from trees where id between 7000 and 20000 or id % 7 = 0",
        "vacuum trees",
        "alter index trees_a set (fastupdate = off)",
        "insert into trees select i, array[1] from generate_series(100001, %d) i"
            .formatted(100_000 + 500 * scale));
  }

  /// Segments that vacuum left tiny, merged with their neighbours when TIDs come between them.
  private void refills() throws SQLException {
    sessions.execute(
        "create table refills (id int, a int[])",
        "insert into refills select i, array[i % 2] from generate_series(1, 6000) i",
        "create index refills_a on refills using gin (a) with (fastupdate = off)");
    for (int round = 0; round < 2 * scale; round++) {
      sessions.execute(
          "delete from refills where id %% 40 > %d".formatted(round),
          "vacuum refills",
          "insert into refills select i, array[i % 2] from generate_series(1, 300) i",
          "insert into refills select 40 * i, array[i % 2] from generate_series(1, 300) i");
    }
    // Many TIDs at once, as a run of the pending list has them.
    sessions.execute(
        "alter index refills_a set (fastupdate = on)",
        "delete from refills where id % 3 > 0",
        "vacuum refills",
        "insert into refills select i, array[i % 2] from generate_series(1, 300) i",
        "vacuum refills");
  }

  /// Long keys, few to a page: an entry tree of many levels. Short keys with posting lists inside,
  /// that become posting trees when they are long.
  private void entries() throws SQLException {
    sessions.execute(
        "create table entries (id int, k text[])",
        "create index entries_k on entries using gin (k) with (fastupdate = off)",
        // Random, for keys are compressed.
        ("insert into entries select i, array[(select string_agg(md5(i || 'k' || g), '')"
                + " from generate_series(1, 70) g)] from generate_series(1, %d) i")
            .formatted(120 * scale),
        "insert into entries select i, array['s' || i %% 150] from generate_series(1, %d) i"
            .formatted(600 * scale),
        "delete from entries where id % 3 = 0",
        "vacuum entries",
        "insert into entries select i, array['s' || i % 200, null] from generate_series(1, 300) i",
        "insert into entries values (0, '{}'), (0, null)",
        "create table grown (a int[])",
        "insert into grown select '{1}' from generate_series(1, 2600) i",
        "create index grown_a on grown using gin (a) with (fastupdate = off)",
        "insert into grown select '{1}' from generate_series(1, 300) i");
  }

  /// The pending list: many rows to a page, many pages to a row, more pages than are freed at once.
  private void pending() throws SQLException {
    sessions.execute(
        "create table pending (id int, k text[])",
        "create index pending_k on pending using gin (k) with (gin_pending_list_limit = 64)",
        "insert into pending select i, array[i::text, 'k' || i %% 5] from generate_series(1, %d) i"
            .formatted(150 * scale),
        "alter index pending_k set (gin_pending_list_limit = 4096)",
        "insert into pending select i, array(select (select string_agg(md5(i || 'p' || k || g), '')"
            + " from generate_series(1, 40) g) from generate_series(1, 25) k)"
            + " from generate_series(1, 5) i",
        "insert into pending select i, array['x' || i, 'x'] from generate_series(1, 200) i",
        "select gin_clean_pending_list('pending_k')",
        "insert into pending select i, array['x' || i, 'y'] from generate_series(1, 50) i",
        "delete from pending where id % 4 = 1",
        "vacuum pending",
        "begin; insert into pending values (1, '{1,2,3}'); rollback",
        "vacuum pending");
  }

  /// The other operator classes, several columns.
  private void documents() throws SQLException {
    sessions.execute(
        "create table documents (id int, j jsonb, t tsvector, b text[])",
        "create index documents_j on documents using gin (j)",
        "create index documents_p on documents using gin (j jsonb_path_ops) with (fastupdate = off)",
        "create index documents_t on documents using gin (t) with (gin_pending_list_limit = 64)",
        "create index documents_m on documents using gin (t, b, j) with (fastupdate = off)",
        ("insert into documents select i, jsonb_build_object('k' || i %% 9, i, 'list',"
                + " jsonb_build_array(i %% 13, 'v' || i %% 31), 'deep',"
                + " jsonb_build_object('x', i %% 2 = 0, 'y', null)),"
                + " to_tsvector('simple', md5(i::text) || ' word' || i %% 40 || ' the cat ' || i),"
                + " case when i %% 10 > 0 then array['b' || i %% 17, 'c'] end"
                + " from generate_series(1, %d) i")
            .formatted(60 * scale),
        "update documents set t = t || 'more:1'::tsvector where id % 3 = 0",
        "delete from documents where id % 5 = 0",
        "vacuum documents",
        "update documents set j = j || '{\"new\": 1}' where id % 4 = 0",
        "vacuum documents");
  }

  /// Indexes built on tables that have rows, then changed.
  private void builds() throws SQLException {
    sessions.execute(
        "create index trees_late on trees using gin (a)",
        "reindex index refills_a",
        "insert into trees select i, array[1, i] from generate_series(200001, 200100) i",
        "delete from trees where id % 2 = 0",
        "vacuum trees",
        "create table cut (a int[])",
        "create index cut_a on cut using gin (a)",
        "insert into cut select array[i] from generate_series(1, 100) i",
        "truncate cut",
        "insert into cut select array[i] from generate_series(1, 100) i",
        "vacuum cut");
  }

  /// Sessions that change the same pages at the same time, while vacuum runs.
  private void concurrent() throws Exception {
    sessions.execute(
        "create table busy (k int, a int[])",
        "create index busy_a on busy using gin (a) with (gin_pending_list_limit = 64)",
        "create index busy_now on busy using gin (a) with (fastupdate = off)");
    sessions.executeAtOnce(
        8 * scale,
        random ->
            List.of(
                "insert into busy select (random() * 1000)::int,"
                    + " array[(random() * 3)::int, (random() * 2000)::int, 4]"
                    + " from generate_series(1, 12)",
                "delete from busy where k between %1$d and %1$d + 150"
                    .formatted(random.nextInt(1000))),
        "vacuum busy");
  }
}
