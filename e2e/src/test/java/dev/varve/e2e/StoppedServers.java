package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.StopMode;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.FileComparison;
import dev.varve.datadir.TestTimelines;
import dev.varve.model.Lsn;
import dev.varve.postgres.control.ControlFile;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.HashSet;
import java.util.Set;

/// Compares, page by page, what Varve has of a server with the server's files, after both were
/// stopped.
final class StoppedServers {

  private static final String TEMPLATES = "'template0', 'template1', 'postgres'";

  private StoppedServers() {}

  /// Stops the source cleanly, waits until Varve has its last record, stops Varve, and compares.
  static void compare(LocalCluster source, Varve varve, Path varveData, String name)
      throws Exception {
    Set<Integer> made = stopAndAwait(source, varve, name);
    varve.stop();
    compare(source.dataDirectory(), varveData, name, made);
  }

  /// Stops the source cleanly and waits until Varve has its last record.
  ///
  /// @return databases of the source that may have been made by copying blocks through the WAL
  static Set<Integer> stopAndAwait(LocalCluster source, Varve varve, String name) throws Exception {
    Set<Integer> made = madeDatabases(source);
    // A server that stops waits only for who receives at that moment.
    String now = source.query("select pg_logical_emit_message(true, 'e2e', 'the end')");
    varve.command("wait", name, "--lsn", now, "--timeout", "120");
    source.stop(StopMode.FAST);
    Lsn checkpoint = lastCheckpoint(source.dataDirectory());
    String end = new Lsn(checkpoint.value() + 1).toString();
    varve.command("wait", name, "--lsn", end, "--timeout", "120");
    return made;
  }

  /// With Varve stopped.
  static void compare(Path directory, Path varveData, String name, Set<Integer> made)
      throws IOException {
    try (var timelines = new TestTimelines(varveData, 256L << 20)) {
      Timeline timeline = timelines.find(name);
      DataDirectory view = DataDirectory.at(timeline, timeline.lastRecordLsn());
      FileComparison.Result compared = FileComparison.run(view, directory, made::contains);
      System.out.println(name + ": compared " + compared.compared());
      assertThat(compared.differences()).as("%s", compared.compared()).isEmpty();
      assertThat(compared.compared()).containsKeys("page", "vm", "pg_xact", "map");
    }
  }

  private static Set<Integer> madeDatabases(LocalCluster source) throws Exception {
    var made = new HashSet<Integer>();
    try (Connection connection = source.connect()) {
      String query = "select oid from pg_database where datname not in (" + TEMPLATES + ")";
      for (String oid : Content.column(connection, query)) {
        made.add(Integer.parseUnsignedInt(oid));
      }
    }
    return made;
  }

  /// Where the record of the stop's checkpoint begins.
  private static Lsn lastCheckpoint(Path directory) throws IOException {
    byte[] control = Files.readAllBytes(directory.resolve("global/pg_control"));
    return new Lsn(ControlFile.parse(MemorySegment.ofArray(control)).checkPointLsn());
  }
}
