package dev.varve.cli;

import dev.varve.server.ServerConfig;
import dev.varve.server.VarveServer;
import dev.varve.server.remote.RemoteConfig;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Runs the server until it is told to stop.
@Command(
    name = "serve",
    description = "Run the server, in the foreground, until SIGTERM or Ctrl-C.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {

  @Option(
      names = "--data",
      paramLabel = "DIR",
      defaultValue = "./varve-data",
      description = "Where everything is kept (default: ${DEFAULT-VALUE}); made if missing.")
  private Path data = Path.of("varve-data");

  @Option(
      names = "--http",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:9898",
      description = "The HTTP API (default: ${DEFAULT-VALUE}).")
  private String http = "";

  @Option(
      names = "--pg",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:64000",
      description = "The page service, for libpq clients (default: ${DEFAULT-VALUE}).")
  private String pg = "";

  @Option(
      names = "--memory",
      paramLabel = "SIZE",
      defaultValue = "1GiB",
      description =
          "What the process takes of memory at most (default: ${DEFAULT-VALUE}, at least "
              + "512MiB). The launcher turns it into the JVM's flags.")
  private String memory = "";

  @Option(
      names = "--pitr-interval",
      paramLabel = "TIME",
      defaultValue = "7d",
      description =
          "How far back every moment can be read, such as 7d, 12h or 30min (default: "
              + "${DEFAULT-VALUE}). Older history is dropped in the background, but for what branches "
              + "and leases need. 0: only --gc-horizon counts.")
  private String pitrInterval = "";

  @Option(
      names = "--gc-horizon",
      paramLabel = "SIZE",
      defaultValue = "64MiB",
      description =
          "How much of the newest WAL can be read in any case (default: ${DEFAULT-VALUE}).")
  private String horizon = "";

  @Option(
      names = "--remote",
      paramLabel = "URL",
      description =
          "Keep everything in an object store, too; the data directory is a cache then: "
              + "s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=true, of which only the "
              + "bucket must be there, or file:///PATH. Credentials: as the AWS SDK finds them.")
  private @Nullable String remote;

  @Option(
      names = "--etcd",
      paramLabel = "URL",
      defaultValue = "",
      description =
          "etcd://HOST:2379,.../PREFIX, or etcds:// for TLS: where servers that share the store "
              + "agree on who has which tenant. Without it this server must be the only one that "
              + "uses the store.")
  private String etcd = "";

  @Option(
      names = "--node",
      paramLabel = "NAME",
      description = "What other servers see this one as (default: the host's name).")
  private @Nullable String node;

  @Option(
      names = "--evict-after",
      paramLabel = "TIME",
      defaultValue = "0",
      description =
          "With --remote: data that was not used for so long goes from the local disk, such as "
              + "30d (default: ${DEFAULT-VALUE}: only when the disk fills up).")
  private String evictAfter = "";

  @Option(
      names = "--disk-limit",
      paramLabel = "PERCENT",
      defaultValue = "90",
      description =
          "With --remote: when more of the disk is used, what was not used for longest goes "
              + "from it, down to 10 percent less (default: ${DEFAULT-VALUE}).")
  private int diskLimit;

  @Option(
      names = "--new-store",
      description =
          "With --remote: the store may be empty although there was one before, whose objects are "
              + "lost. All that is on the local disk is put there. Without this, a store that has "
              + "nothing of a tenant any more is taken for one that is not mounted, or not the right "
              + "one, and gets nothing.")
  private boolean newStore;

  @Option(
      names = "--metrics-timelines",
      paramLabel = "N",
      defaultValue = "1000",
      description =
          "How many timelines have series of their own at /metrics (default: ${DEFAULT-VALUE}), "
              + "the oldest first; the sums are of all.")
  private int metricsTimelines;

  @Override
  public Integer call() throws Exception {
    ServerConfig config =
        ServerConfig.of(data, http, pg, memoryBudget())
            .withHistory(
                Sizes.parseBytes("--gc-horizon", horizon),
                Sizes.parseTime("--pitr-interval", pitrInterval))
            .withMetricsTimelines(metricsTimelines);
    if (remote != null) {
      config =
          config.withRemote(
              RemoteConfig.parse(remote, etcd, node == null ? host() : node)
                  .withCache(Sizes.parseTime("--evict-after", evictAfter), diskLimit)
                  .withMayBeNew(newStore));
    } else if (newStore) {
      throw new CliException(
          "--new-store is for a server with an object store: give --remote, too");
    } else if (!etcd.isEmpty()) {
      throw new CliException(
          "--etcd is for servers that share an object store: give --remote, too");
    }
    VarveServer.run(config);
    return 0;
  }

  private static String host() throws IOException {
    String name = InetAddress.getLocalHost().getHostName().replaceAll("[^A-Za-z0-9._-]", "-");
    return name.isEmpty() ? "varve" : name;
  }

  /// The launcher has parsed the option already and passes bytes.
  private long memoryBudget() {
    Long bytes = Long.getLong("varve.memory");
    if (bytes == null) {
      throw new CliException(
          "start the server with the varve launcher, which makes the JVM keep --memory " + memory);
    }
    return bytes;
  }
}
