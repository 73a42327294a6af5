package dev.varve.cli;

import dev.varve.walreceiver.libpq.ConnectionInfo;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Takes in a cluster: a running server, which is then followed, or a base backup with its WAL.
@Command(
    name = "import",
    description = {
      "Take in a running PostgreSQL 14 to 18 without stopping it, and follow it from then on.",
      "Or take in a base backup made by pg_basebackup --format=tar, with its WAL.%n"
    },
    mixinStandardHelpOptions = true)
final class ImportCommand implements Callable<Integer> {

  /// The running server.
  static final class Online {
    @Option(
        names = "--from",
        required = true,
        paramLabel = "CONNINFO",
        description =
            "The server, as libpq has it: postgresql://user@host/ or \"host=... user=...\". The "
                + "role needs REPLICATION. PG... variables, the password and the service file, several "
                + "hosts, certificates and Unix sockets (as the server's user) are used as usual. Varve "
                + "makes a replication slot there, which keeps WAL until Varve has it.")
    String conninfo = "";
  }

  /// The base backup.
  static final class Offline {
    @Option(
        names = "--tar",
        required = true,
        paramLabel = "FILE",
        description =
            "base.tar, or base.tar.gz, .lz4 or .zst, on the server's machine; pg_wal.tar and the "
                + "tars of tablespaces, OID.tar, are looked for beside it.")
    Path tar = Path.of("");

    @Option(
        names = "--wal",
        paramLabel = "DIR",
        description =
            "A folder with WAL segment files and .history files, such as an archive; they may be "
                + "compressed (.gz, .lz4, .zst) and the last one .partial, as pg_receivewal leaves "
                + "them. Without it the backup must have its WAL in it, or in pg_wal.tar.")
    @Nullable Path wal;
  }

  /// One or the other.
  static final class Source {
    @ArgGroup(exclusive = false)
    @Nullable Online online;

    @ArgGroup(exclusive = false)
    @Nullable Offline offline;
  }

  @Mixin private ServerOptions server = new ServerOptions();

  @ArgGroup(multiplicity = "1")
  private Source source = new Source();

  @Option(
      names = "--name",
      required = true,
      paramLabel = "NAME",
      description = "What to call it: letters, digits, '-', '_' and '.'.")
  private String name = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    long started = System.nanoTime();
    ObjectNode body = body();
    body.put("name", name);
    JsonNode begun = client.post("/v1/import", body);
    JsonNode ended = await(client, "/v1/import/" + begun.get("import_id").asString());
    JsonNode timeline = client.timeline(name);
    ended
        .get("warnings")
        .forEach(w -> spec.commandLine().getErr().println("varve: warning: " + w.asString()));
    Duration took = Duration.ofNanos(System.nanoTime() - started);
    var out = spec.commandLine().getOut();
    if (server.json) {
      out.println(timeline.toPrettyString());
    } else {
      out.printf(
          "%s is imported: PostgreSQL %s, readable from %s on (%s)%n",
          name,
          timeline.get("pg_version").asString(),
          timeline.get("min_readable_lsn").asString(),
          Sizes.time(took));
    }
    out.flush();
    return 0;
  }

  private ObjectNode body() {
    if (source.online != null) {
      return from(source.online.conninfo);
    }
    if (source.offline != null) {
      return offline(source.offline);
    }
    throw new CliException("say what to import: --from CONNINFO, or --tar FILE");
  }

  /// The connection string is completed here: it is this process's environment that it refers to.
  static ObjectNode from(String conninfo) {
    ObjectNode body = ServerClient.JSON.createObjectNode();
    try {
      body.put("from", ConnectionInfo.parse(conninfo).toSecretString());
    } catch (IllegalArgumentException e) {
      throw new CliException("--from: " + e.getMessage(), e);
    }
    return body;
  }

  /// The server reads the files itself, so it gets whole paths.
  private static ObjectNode offline(Offline offline) {
    ObjectNode body = ServerClient.JSON.createObjectNode();
    body.put("tar", offline.tar.toAbsolutePath().toString());
    if (offline.wal != null) {
      body.put("wal", offline.wal.toAbsolutePath().toString());
    }
    return body;
  }

  /// Shows how far an import is until it has ended.
  private JsonNode await(ServerClient client, String path) {
    try (var progress = new Progress("importing " + name)) {
      while (true) {
        JsonNode state = client.get(path);
        switch (state.get("state").asString()) {
          case "done" -> {
            return state;
          }
          case "failed" -> throw new CliException(state.get("error").asString());
          default ->
              progress.update(state.get("bytes_done").asLong(), state.get("bytes_total").asLong());
        }
        LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
      }
    }
  }
}
