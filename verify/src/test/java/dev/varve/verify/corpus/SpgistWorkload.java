package dev.varve.verify.corpus;

import java.sql.SQLException;
import java.util.List;

/// Makes a server write every type of SP-GiST record there is.
final class SpgistWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      SPGist/ADD_LEAF: 0 1
      SPGist/ADD_LEAF new: 0
      SPGist/ADD_LEAF chain: 0
      SPGist/ADD_LEAF dead: 0
      SPGist/ADD_LEAF nulls: 0
      SPGist/ADD_LEAF nulls chain: 0
      SPGist/MOVE_LEAFS: 0 1 2
      SPGist/MOVE_LEAFS new: 1
      SPGist/MOVE_LEAFS dead: 0 1
      SPGist/MOVE_LEAFS nulls: 0
      SPGist/ADD_NODE in place: 0
      SPGist/ADD_NODE parent on 0: 0 1
      SPGist/ADD_NODE parent on 2: 0 1 2
      SPGist/SPLIT_TUPLE same: 0
      SPGist/SPLIT_TUPLE: 0 1
      SPGist/SPLIT_TUPLE new: 1
      SPGist/PICKSPLIT root dest inner: 1 2
      SPGist/PICKSPLIT root dest inner nulls: 2
      SPGist/PICKSPLIT dest parent: 0 1 2
      SPGist/PICKSPLIT dest inner: 0 3
      SPGist/VACUUM_LEAF dead placeholders: 0
      SPGist/VACUUM_LEAF placeholders links: 0
      SPGist/VACUUM_LEAF placeholders moves links: 0
      SPGist/VACUUM_ROOT few: 0
      SPGist/VACUUM_ROOT many: 0
      SPGist/VACUUM_REDIRECT redirects: 0
      SPGist/VACUUM_REDIRECT cut: 0
      SPGist/VACUUM_REDIRECT redirects cut: 0
      """;

  private final Sessions sessions;
  private final int scale;

  private SpgistWorkload(Sessions sessions, int scale) {
    this.sessions = sessions;
    this.scale = scale;
  }

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> new SpgistWorkload(new Sessions(cluster, 0.75), scale).run();
  }

  private void run() throws Exception {
    points();
    texts();
    nodes();
    ranges();
    nulls();
    roots();
    chains();
    builds();
    concurrent();
  }

  /// Trees of the plane: in quadrants, in halves, of boxes; many equal points.
  private void points() throws SQLException {
    sessions.execute(
        "create table places (id int, p point, b box, g polygon)",
        "create index places_quad on places using spgist (p) include (id)",
        "create index places_kd on places using spgist (p kd_point_ops)",
        "create index places_b on places using spgist (b)",
        "create index places_g on places using spgist (g)",
        ("insert into places select i, q, box(q, q + point(random() * 9, random() * 9)),"
                + " polygon(box(q, q + point(1, random() * 9)))"
                + " from (select i, point(random() * 1000, random() * 1000) q"
                + " from generate_series(1, %d) i) s")
            .formatted(400 * scale),
        "delete from places where id % 3 > 0",
        "vacuum places",
        "insert into places select i, point(5, 5), box(point(5, 5), point(6, 6))"
            + " from generate_series(1, %d) i".formatted(300 * scale),
        "delete from places where id % 2 = 0",
        "vacuum places",
        ("insert into places select i, point(random() * 1000, random() * 1000)"
                + " from generate_series(1, %d) i")
            .formatted(200 * scale),
        "vacuum places");
  }

  /// Radix trees: common prefixes that have to be split, equal values, values of all lengths.
  private void texts() throws SQLException {
    sessions.execute(
        "create table texts (t text, n int)",
        "create index texts_t on texts using spgist (t)",
        "create index texts_n on texts using spgist (t) include (n)",
        ("insert into texts select repeat('common prefix ', 1 + i %% 5) || md5(i::text), i"
                + " from generate_series(1, %d) i")
            .formatted(500 * scale),
        "insert into texts select left(repeat('common prefix ', 9), i), i"
            + " from generate_series(1, 120) i",
        "insert into texts select repeat('common prefix ', 3) || left(md5(i::text), i % 9), i"
            + " from generate_series(1, %d) i".formatted(200 * scale),
        "insert into texts select 'the same', i from generate_series(1, %d) i"
            .formatted(500 * scale),
        "insert into texts select 'the sane ' || i, i from generate_series(1, %d) i"
            .formatted(200 * scale),
        "delete from texts where n % 3 > 0",
        "vacuum texts",
        "insert into texts select 'common ' || md5(i::text), null"
            + " from generate_series(1, %d) i".formatted(300 * scale),
        "delete from texts where n % 2 = 0",
        "vacuum texts",
        "vacuum texts");
  }

  /// Inner tuples that get one node after the other until they have to move.
  private void nodes() throws SQLException {
    sessions.execute(
        "create table nodes (t text)",
        "create index nodes_t on nodes using spgist (t)",
        // Each group is an inner tuple with a long prefix; many to a page.
        ("insert into nodes select chr(65 + g) || repeat(chr(97 + g), 100) || chr(97 + c)"
                + " || repeat('x', 150)  from generate_series(0, 25) g, generate_series(0, 2) c,"
                + " generate_series(1, %d)")
            .formatted(12 * scale),
        "insert into nodes select chr(65 + g) || repeat(chr(97 + g), 100) || chr(c) || 'tail'"
            + " from generate_series(33, 126, 3) c, generate_series(0, 25) g",
        "insert into nodes select chr(65 + g) || repeat(chr(97 + g), c) || 'tail'"
            + " from generate_series(1, 99, 7) c, generate_series(0, 25) g",
        "insert into nodes select chr(c) || md5(c::text) from generate_series(161, 300) c",
        "vacuum nodes");
  }

  private void ranges() throws SQLException {
    sessions.execute(
        "create table spans (r int4range, n inet, t tsrange)",
        "create index spans_r on spans using spgist (r)",
        "create index spans_n on spans using spgist (n)",
        "create index spans_t on spans using spgist (t)",
        ("insert into spans select case when i %% 40 > 0 then int4range(i * 7919 %% 5000,"
                + " i * 7919 %% 5000 + i %% 60) end,"
                + " ('10.' || i %% 250 || '.' || i %% 9 || '.' || i %% 13)::inet,"
                + " tsrange(timestamp '2024-01-01' + i * interval '1 hour', null)"
                + " from generate_series(1, %d) i")
            .formatted(450 * scale),
        "insert into spans select 'empty', '::1/64'::inet from generate_series(1, 100)",
        "delete from spans where lower(r) < 2500",
        "vacuum spans",
        "create table rooms (r int4range, exclude using spgist (r with &&))",
        "insert into rooms select int4range(i, i + 1) from generate_series(1, 200) i",
        "insert into rooms values ('[7,8]') on conflict do nothing");
  }

  /// The tree of nulls, from one page to many.
  private void nulls() throws SQLException {
    sessions.execute(
        "create table nulls (p point, n int, t text)",
        "create index nulls_p on nulls using spgist (p)",
        "create index nulls_n on nulls using spgist (p) include (n, t)",
        "insert into nulls select null, i, case when i % 3 > 0 then 'text ' || i end"
            + " from generate_series(1, %d) i".formatted(700 * scale),
        "delete from nulls where n % 4 > 0",
        "vacuum nulls",
        "insert into nulls select null, i, null from generate_series(1, %d) i"
            .formatted(400 * scale),
        "delete from nulls where n < 300",
        "vacuum nulls");
  }

  /// Roots that are still leaves.
  private void roots() throws SQLException {
    sessions.execute(
        "create table roots (p point, t text)",
        "create index roots_p on roots using spgist (p)",
        "create index roots_t on roots using spgist (t)",
        "insert into roots select point(i, i), 'root ' || i from generate_series(1, 60) i",
        "insert into roots select null, null from generate_series(1, 20)",
        "delete from roots where p[0] < 3",
        "vacuum (index_cleanup on) roots",
        "delete from roots where p[0] > 40 or p is null",
        "vacuum (index_cleanup on) roots",
        "insert into roots select point(-i, i), 'leaf ' || i from generate_series(1, 60) i");
  }

  /// Chains that die whole and come to life again: in the place of the dead tuple, or on another
  /// page when theirs has got too full meanwhile.
  private void chains() throws SQLException {
    sessions.execute(
        "create table chains (t text, n int)",
        "create index chains_t on chains using spgist (t)",
        ("insert into chains select chr(48 + c) || repeat('y', 180) || i, c"
                + " from generate_series(0, 59) c, generate_series(1, %d) i")
            .formatted(3 * scale));
    for (int round = 0; round < 4; round++) {
      sessions.execute(
          "delete from chains where n %% 4 = %d".formatted(round),
          "vacuum chains",
          "insert into chains select chr(48 + c) || repeat('x', 140), c"
              + " from generate_series(0, 59) c where c %% 4 <> %d".formatted(round),
          "insert into chains select chr(48 + c) || repeat('w', 20), c"
              + " from generate_series(0, 59) c where c %% 16 = %d".formatted(round),
          "insert into chains select chr(48 + c) || repeat('z', 700), c"
              + " from generate_series(0, 59) c where c %% 4 = %d".formatted(round),
          "vacuum chains");
    }
  }

  private void builds() throws SQLException {
    sessions.execute(
        "create index texts_again on texts using spgist (t) with (fillfactor = 50)",
        "create index concurrently places_again on places using spgist (p)",
        "reindex table spans",
        "insert into texts select 'built ' || md5(i::text), i from generate_series(1, 300) i",
        "insert into places select i, point(i, -i) from generate_series(1, 300) i",
        "create table spcut (t text)",
        "create index spcut_t on spcut using spgist (t)",
        "insert into spcut select md5(i::text) from generate_series(1, 400) i",
        "truncate spcut",
        "insert into spcut select md5(i::text) from generate_series(1, 200) i",
        "create unlogged table splost (t text)",
        "create index splost_t on splost using spgist (t)",
        "insert into splost select md5(i::text) from generate_series(1, 300) i");
  }

  /// Sessions that grow the same tree at the same time, while vacuum runs.
  private void concurrent() throws Exception {
    sessions.execute(
        "create table spbusy (t text, n int)", "create index spbusy_t on spbusy using spgist (t)");
    sessions.executeAtOnce(
        6 * scale,
        random ->
            List.of(
                "insert into spbusy select repeat(chr(97 + (random() * 5)::int), (random() * 40)::int)"
                    + " || random(), (random() * 100000)::int from generate_series(1, 40)",
                "delete from spbusy where n between %1$d and %1$d + 15000"
                    .formatted(random.nextInt(100_000))),
        "vacuum spbusy",
        "checkpoint");
  }
}
