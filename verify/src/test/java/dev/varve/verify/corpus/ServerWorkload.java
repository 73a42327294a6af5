package dev.varve.verify.corpus;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.StopMode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/// Makes a server write the records that are about more than the pages of relations: of
/// transactions, databases, counters, logical decoding, and of what happens to the server itself.
///
/// It ends on a PostgreSQL timeline of its own, after a crash that lost the end of the log, and a
/// promotion.
final class ServerWorkload implements Workload {

  /// More than a page of the commit log has, and a segment of commit times.
  private static final int XIDS = 40_000;

  /// As many as a segment of the commit log has.
  private static final int SEGMENT_OF_XIDS = 1 << 20;

  private static final int CLIENTS = 2;

  private final int major;
  private final boolean isLong;

  /// @param isLong whether the commit log gets so long that its beginning is cut off. It takes a
  ///   million transactions; else the server is made to believe that there is something to cut off
  ServerWorkload(int major, boolean isLong) {
    this.major = major;
    this.isLong = isLong;
  }

  @Override
  public void run(LocalCluster cluster) throws Exception {
    cluster.execute("alter system set wal_level = logical", "alter system set max_wal_senders = 5");
    cluster.restart(StopMode.FAST);
    transactions(cluster);
    decoding(cluster);
    definitions(cluster);
    server(cluster);
    counters(cluster);
    loseTheEnd(cluster);
    promote(cluster);
    cluster.execute("create table last as select g from generate_series(1, 100) g");
  }

  private static void transactions(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "create table done (i int)",
        // So many subtransactions that they do not fit into shared memory.
        "do $$ begin for i in 1..200 loop begin insert into done values (i);"
            + " exception when others then null; end; end loop; end $$",
        "begin; insert into done values (0); prepare transaction 'yes'",
        "commit prepared 'yes'",
        "begin; insert into done values (-1); prepare transaction 'no'",
        "rollback prepared 'no'",
        "begin; insert into done values (-2); rollback",
        "begin; insert into done values (-3); prepare transaction 'open'");
  }

  private static void decoding(LocalCluster cluster) throws SQLException {
    cluster.execute(
        "select pg_logical_emit_message(true, 'varve', 'in a transaction')",
        "select pg_logical_emit_message(false, 'varve', 'in none')",
        "select pg_replication_origin_create('elsewhere')",
        "select pg_replication_origin_advance('elsewhere', '0/1234')",
        "select pg_replication_origin_create('nowhere')",
        // It has to have been somewhere, or nothing is logged.
        "select pg_replication_origin_advance('nowhere', '0/5678')",
        "select pg_replication_origin_drop('nowhere')",
        "create table cut (i int)",
        "insert into cut values (1)",
        "truncate cut",
        "commit prepared 'open'",
        // Rows of catalogs that move while someone may still decode what they meant.
        "select pg_create_logical_replication_slot('slot', 'pgoutput')",
        "create table decoded (i int)",
        "alter table decoded add column j int",
        "drop table decoded",
        "vacuum full pg_attribute",
        "vacuum full pg_class",
        "select pg_drop_replication_slot('slot')");
  }

  private void definitions(LocalCluster cluster) throws Exception {
    Path directory = cluster.newDirectory("space");
    Path other = cluster.newDirectory("other_space");
    cluster.execute(
        "create tablespace space location '%s'".formatted(directory),
        "create table placed tablespace space as select g from generate_series(1, 500) g",
        "create index on placed (g) tablespace space",
        "create tablespace other_space location '%s'".formatted(other),
        "drop tablespace other_space",
        "create database plain",
        "drop database plain");
    if (major >= 15) {
      cluster.execute(
          "create database copied strategy file_copy",
          "create database logged strategy wal_log",
          "drop database copied");
    }
    cluster.execute(
        "create table shrunk as select g from generate_series(1, 3000) g",
        "delete from shrunk where g > 100",
        "vacuum (truncate on) shrunk",
        "begin; lock table shrunk in access exclusive mode; insert into shrunk values (0); commit",
        // It gets no transaction ID, and changes the statistics in pg_class all the same.
        "vacuum (analyze off) shrunk");
  }

  private void server(LocalCluster cluster) throws SQLException {
    boolean old = major < 15;
    cluster.execute(
        "select pg_switch_wal()",
        "select pg_create_restore_point('here')",
        old
            ? "select pg_start_backup('test', true, false)"
            : "select pg_backup_start('test', true)",
        old ? "select pg_stop_backup(false, false)" : "select pg_backup_stop(false)",
        "checkpoint");
  }

  /// Every counter comes to new pages, and vacuum gives the old segments up.
  private void counters(LocalCluster cluster) throws Exception {
    multixacts(cluster);
    int xids = isLong ? SEGMENT_OF_XIDS : XIDS;
    Load.Client client =
        (connection, _) -> {
          try (Statement statement = connection.createStatement()) {
            statement.execute(
                "do $$ begin for i in 1..%d loop perform pg_current_xact_id(); commit; end loop;"
                        .formatted(xids / CLIENTS)
                    + " end $$");
          }
        };
    try (Load load = Load.start(cluster::connect, Load.Plan.steps(CLIENTS, 1, 1), _ -> client)) {
      load.await();
    }
    if (!isLong) {
      // Of transactions just before the first one, which vacuum takes for old ones.
      Path data = cluster.dataDirectory();
      Files.setOwner(Files.createFile(data.resolve("pg_xact/0FFF")), Files.getOwner(data));
    }
    cluster.execute("alter database template0 allow_connections true");
    for (String database : databases(cluster)) {
      try (Connection connection = cluster.connect(database);
          Statement statement = connection.createStatement()) {
        statement.execute("vacuum (freeze)");
      }
    }
  }

  private static List<String> databases(LocalCluster cluster) throws SQLException {
    return List.of(cluster.query("select string_agg(datname, ',') from pg_database").split(","));
  }

  /// Each row is locked by a transaction and a subtransaction of another one.
  private static void multixacts(LocalCluster cluster) throws SQLException {
    cluster.execute("create table locked as select g from generate_series(1, 2200) g");
    try (Connection first = cluster.connect();
        Statement one = first.createStatement()) {
      first.setAutoCommit(false);
      one.execute("select count(*) from (select from locked for key share) l");
      cluster.execute(
          "do $$ begin for i in 1..2200 loop begin perform from locked where g = i for key share;"
              + " exception when others then null; end; end loop; end $$");
      first.commit();
    }
  }

  /// A crash of the machine, of which the log kept the beginning of a record only.
  private static void loseTheEnd(LocalCluster cluster) throws IOException, SQLException {
    cluster.execute("checkpoint");
    String first = cluster.query("select pg_walfile_name(pg_current_wal_insert_lsn())");
    cluster.execute(
        // More than a segment.
        "select pg_logical_emit_message(false, 'lost', repeat('x', 20 << 20))",
        "select pg_switch_wal()");
    cluster.kill();
    try (Stream<Path> files = Files.list(cluster.dataDirectory().resolve("pg_wal"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        if (file.getFileName().toString().compareTo(first) > 0) {
          Files.delete(file);
        }
      }
    }
    cluster.start();
  }

  private static void promote(LocalCluster cluster) throws IOException, SQLException {
    cluster.stop(StopMode.FAST);
    Path signal = Files.createFile(cluster.dataDirectory().resolve("standby.signal"));
    Files.setOwner(signal, Files.getOwner(cluster.dataDirectory()));
    cluster.start();
    cluster.execute("select pg_promote()");
    cluster.awaitPromotion(Duration.ofMinutes(3));
  }
}
