package dev.varve.cli;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Trees;
import dev.varve.server.ServerConfig;
import dev.varve.server.VarveServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Stream;

/// A PostgreSQL 17 whose clients need a password, and a Varve in this JVM that has imported it, by
/// the command, as `production`.
final class LiveServer implements AutoCloseable {

  final LocalCluster cluster;
  final CommandRun imported;
  private final VarveServer server;
  private final Path data;

  LiveServer() throws Exception {
    data = Files.createTempDirectory("varve-live-");
    cluster =
        LocalCluster.builder(PostgresBinaries.of(17)).password("right", "scram-sha-256").start();
    cluster.execute(
        "create table t (id int primary key, v text)",
        "insert into t select i, 'row-' || i from generate_series(1, 1000) i",
        "create role limited login password 'right'");
    server =
        VarveServer.open(
            ServerConfig.of(data, "127.0.0.1:0", "127.0.0.1:0", 512 << 20), InstantSource.system());
    imported = run("import", "--from", conninfo(), "--name", "production").worked();
  }

  String url() {
    return "http://127.0.0.1:" + server.httpAddress().getPort();
  }

  String conninfo() {
    return cluster.connectionString("postgres");
  }

  /// A command with `--server`.
  CommandRun run(String... words) {
    return CommandRun.of(
        Stream.concat(Stream.of(words), Stream.of("--server", url())).toArray(String[]::new));
  }

  /// Where production is, once Varve has all of it.
  String caughtUp() throws SQLException {
    cluster.execute("checkpoint");
    String lsn = cluster.query("select pg_current_wal_flush_lsn()");
    String said = run("wait", "production", "--lsn", lsn, "--timeout", "180").worked().out();
    return said.substring(said.lastIndexOf(' ')).strip();
  }

  /// All that a refused command may not change: timelines, slots, and files of ours that are named
  /// after timelines or imports.
  List<String> traces() throws IOException, SQLException {
    Stream<String> paths =
        Trees.list(data).stream()
            .map(file -> data.relativize(file).toString())
            .filter(name -> !name.contains("timelines/") || name.endsWith("timeline.json"))
            .sorted();
    String slots =
        cluster.query("select string_agg(slot_name, ' ' order by 1) from pg_replication_slots");
    return Stream.concat(paths, Stream.of(slots)).toList();
  }

  @Override
  public void close() throws IOException {
    server.close();
    cluster.close();
    Trees.delete(data);
  }
}
