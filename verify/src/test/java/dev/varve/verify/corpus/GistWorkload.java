package dev.varve.verify.corpus;

import dev.varve.cluster.LocalCluster;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/// Makes a server write every type of GiST record there is.
final class GistWorkload {

  /// What every server is made to write; see {@link RecordPaths}.
  static final String PATHS =
      """
      Gist/PAGE_UPDATE add: 0
      Gist/PAGE_UPDATE overwrite: 0
      Gist/PAGE_UPDATE few: 0
      Gist/PAGE_UPDATE many: 0
      Gist/PAGE_UPDATE few add: 0 1
      Gist/DELETE many: 0
      Gist/PAGE_REUSE
      Gist/PAGE_SPLIT leaf: 1 2
      Gist/PAGE_SPLIT leaf many: 3
      Gist/PAGE_SPLIT root leaf many: 1 2 3
      Gist/PAGE_SPLIT inner: 0 1 2
      Gist/PAGE_SPLIT root inner many: 0 1 3
      Gist/PAGE_DELETE: 0 1
      """;

  /// So many that some surely come where they shall.
  private static final int CHECKPOINTS = 250;

  private final LocalCluster cluster;
  private final Sessions sessions;
  private final int scale;

  private GistWorkload(LocalCluster cluster, int scale) {
    this.cluster = cluster;
    this.sessions = new Sessions(cluster, 0.25);
    this.scale = scale;
  }

  /// @param scale 1 for the least that reaches every path
  static Workload of(int scale) {
    return cluster -> new GistWorkload(cluster, scale).run();
  }

  /// Of a server with `wal_level` minimal: an index that is not logged until its transaction
  /// commits takes LSNs for its splits from a record made for that.
  static Workload notLogged() {
    return cluster ->
        cluster.execute(
            "begin; create table late (p point); create index late_p on late using gist (p);"
                + " insert into late select point(i, i) from generate_series(1, 600) i; commit",
            "insert into late select point(i, -i) from generate_series(1, 200) i");
  }

  private void run() throws Exception {
    shapes();
    tall();
    ranges();
    pages();
    dead();
    builds();
    concurrent();
    betweenCheckpoints();
  }

  /// Keys of fixed length; deletions and vacuum; pages of several levels.
  private void shapes() throws SQLException {
    sessions.execute(
        "create table shapes (id int, b box, p point, c circle, g polygon)",
        "create index shapes_b on shapes using gist (b)",
        "create index shapes_p on shapes using gist (p) include (id)",
        "create index shapes_c on shapes using gist (c)",
        "create index shapes_g on shapes using gist (g) with (fillfactor = 60)",
        ("insert into shapes select i, box(q, q + point(random() * 9, random() * 9)), q,"
                + " circle(q, random() * 9), polygon(4, circle(q, 1 + random() * 9))"
                + " from (select i, point(random() * 1000, random() * 1000) q"
                + " from generate_series(1, %d) i) s")
            .formatted(800 * scale),
        "delete from shapes where id % 3 = 0",
        "vacuum shapes",
        "update shapes set p = p + point(1, 1), b = b + point(3, 3) where id % 5 = 0",
        "delete from shapes where p[0] < 400",
        "vacuum shapes",
        ("insert into shapes select i, box(q, q), q, circle(q, 1), polygon(box(q, q + point(2, 2)))"
                + " from (select i, point(random() * 400, random() * 1000) q"
                + " from generate_series(1, %d) i) s")
            .formatted(200 * scale));
  }

  /// Keys of hundreds of bytes: few to a page, many levels, splits into more than two pages.
  private void tall() throws SQLException {
    sessions.execute(
        "create type words as range (subtype = text)",
        "create table tall (i int, w words)",
        "alter table tall alter w set storage plain",
        "create index tall_w on tall using gist (w)",
        "create function word(i int, length int) returns text language sql immutable as"
            + " $$ select left(string_agg(md5((i * 31 + j)::text), ''), length)"
            + " from generate_series(1, 1 + length / 32) j $$",
        ("insert into tall select i, words(least(a, b), greatest(a, b), '[]') from"
                + " (select i, word(i, 300 + i * 7919 %% 400) a, word(-i, 300 + i * 31 %% 400) b"
                + " from generate_series(1, %d) i) s")
            .formatted(220 * scale),
        // Short and long keys by turns: halves that are still too long for a page.
        ("insert into tall select i, words(a, a || 'z', '[]') from"
                + " (select i, word(i, case when i %% 7 = 0 then 1900 else 20 end) a"
                + " from generate_series(1, %d) i) s")
            .formatted(300 * scale),
        "delete from tall where i % 4 > 0",
        "vacuum tall",
        "insert into tall select i, words(word(i, 500), null) from generate_series(1, %d) i"
            .formatted(60 * scale));
  }

  /// Exclusion constraints, ranges of several types, documents, networks.
  private void ranges() throws SQLException {
    sessions.execute(
        "create table booking (room int4range, during tsrange, note text,"
            + " exclude using gist (room with &&, during with &&))",
        ("insert into booking select int4range(i %% 20, i %% 20 + 1), tsrange("
                + "timestamp '2024-01-01' + i * interval '1 hour',"
                + " timestamp '2024-01-01' + i * interval '1 hour' + interval '30 minutes')"
                + " from generate_series(1, %d) i")
            .formatted(400 * scale),
        "insert into booking select room, during from booking limit 10 on conflict do nothing",
        "delete from booking where lower(room) < 7",
        "vacuum booking",
        "create table docs (d tsvector, n inet, r numrange)",
        "create index docs_d on docs using gist (d)",
        "create index docs_n on docs using gist (n inet_ops)",
        "create index docs_r on docs using gist (r) include (n)",
        ("insert into docs select to_tsvector('simple', md5(i::text) || ' ' || md5((i / 3)::text)),"
                + " ('10.' || i %% 200 || '.' || i %% 7 || '.1')::inet,"
                + " case when i %% 50 > 0 then numrange(i / 7.0, i / 7.0 + i %% 90) end"
                + " from generate_series(1, %d) i")
            .formatted(300 * scale),
        "delete from docs where n < inet '10.120.0.0'",
        "vacuum docs");
  }

  /// Pages that vacuum deletes, and that are used again.
  private void pages() throws SQLException {
    sessions.execute(
        "create table pages (p point)",
        "create index pages_p on pages using gist (p)",
        "insert into pages select point(i, i) from generate_series(1, %d) i"
            .formatted(1000 * scale),
        "delete from pages where p[0] > 300",
        "vacuum pages",
        "insert into pages values (point(1, 1))",
        "vacuum pages",
        "insert into pages select point(i, -i) from generate_series(1, %d) i"
            .formatted(1000 * scale));
  }

  /// Items that scans found dead, removed when their page has no room for a new one.
  private void dead() throws SQLException {
    sessions.execute(
        "create table dead (p point, n int)",
        "create index dead_p on dead using gist (p)",
        "insert into dead select point(i %% 50, i / 50), i from generate_series(1, %d) i"
            .formatted(700 * scale));
    // At first one or two on a page.
    for (String some : List.of("n % 90 = 5", "n % 4 = 1", "n % 4 = 2")) {
      sessions.execute(
          "delete from dead where " + some,
          "set enable_seqscan = off; set enable_bitmapscan = off;"
              + " select count(n) from dead where p <@ box '(-1,-1),(9999,9999)'",
          "insert into dead select point(i % 50, i / 50), i from generate_series(1, 400) i");
    }
  }

  private void builds() throws SQLException {
    sessions.execute(
        "create index shapes_buffered on shapes using gist (b) with (buffering = on)",
        "create index concurrently docs_again on docs using gist (d)",
        "reindex table booking",
        "insert into shapes select -i, box(point(i, i), point(i, 0)), point(i, i),"
            + " circle(point(i, i), 1), polygon(box(point(i, i), point(0, i)))"
            + " from generate_series(1, 300) i",
        "create table cut (p point)",
        "create index cut_p on cut using gist (p)",
        "insert into cut select point(i, i) from generate_series(1, 500) i",
        "truncate cut",
        "insert into cut select point(i, i) from generate_series(1, 300) i",
        "create unlogged table lost (p point)",
        "create index lost_p on lost using gist (p)",
        "insert into lost select point(i, i) from generate_series(1, 300) i");
  }

  /// Sessions that split the same pages at the same time, while vacuum and checkpoints run.
  private void concurrent() throws Exception {
    sessions.execute(
        "create table busy (p point, n int)", "create index busy_p on busy using gist (p)");
    sessions.executeAtOnce(
        6 * scale,
        random ->
            List.of(
                "insert into busy select point(random() * 100, random() * 100),"
                    + " (random() * 100000)::int from generate_series(1, 60)",
                "delete from busy where n between %1$d and %1$d + 15000"
                    .formatted(random.nextInt(100_000))),
        "vacuum busy",
        "checkpoint");
  }

  /// Checkpoints without end while pages split: some come between the split of a page and the
  /// record that completes it, which then has an image of that page for redo to restore.
  private void betweenCheckpoints() throws Exception {
    sessions.execute(
        "create table split (w words)",
        "alter table split alter w set storage plain",
        "create index split_w on split using gist (w)");
    var stop = new AtomicBoolean();
    var checkpoints = new AtomicInteger();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<Void> endless =
          () -> {
            try (Connection connection = cluster.connect();
                Statement statement = connection.createStatement()) {
              while (!stop.get()) {
                statement.execute("checkpoint");
                checkpoints.incrementAndGet();
              }
            }
            return null;
          };
      var running = threads.submit(endless);
      try {
        for (int at = 0; checkpoints.get() < CHECKPOINTS && !running.isDone(); at += 20) {
          sessions.execute(
              ("insert into split select words(a, a || 'z', '[]')"
                      + " from (select word(i, 1500) a from generate_series(%d, %d) i) s")
                  .formatted(at + 1, at + 20));
        }
      } finally {
        stop.set(true);
      }
      running.get();
    }
  }
}
