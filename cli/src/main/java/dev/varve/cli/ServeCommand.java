package dev.varve.cli;

import dev.varve.server.ServerConfig;
import dev.varve.server.VarveServer;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// Runs the server until it is told to stop.
@Command(
    name = "serve",
    description = "Run the server, in the foreground, until SIGTERM or Ctrl-C.",
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
      description = {
        "What the process takes of memory at most (default: ${DEFAULT-VALUE}, at least 512MiB).",
        "The launcher turns it into the JVM's flags."
      })
  private String memory = "";

  @Option(
      names = "--pitr-interval",
      paramLabel = "TIME",
      defaultValue = "7d",
      description = {
        "How far back every moment can be read, such as 7d, 12h or 30min (default:"
            + " ${DEFAULT-VALUE}).",
        "Older history is dropped in the background, but for what branches and leases need.",
        "0: only --gc-horizon counts."
      })
  private String pitrInterval = "";

  @Option(
      names = "--gc-horizon",
      paramLabel = "SIZE",
      defaultValue = "64MiB",
      description =
          "How much of the newest WAL can be read in any case (default: ${DEFAULT-VALUE}).")
  private String horizon = "";

  @Option(
      names = "--metrics-timelines",
      paramLabel = "N",
      defaultValue = "1000",
      description = {
        "How many timelines have series of their own at /metrics (default: ${DEFAULT-VALUE}), the",
        "oldest first; the sums are of all."
      })
  private int metricsTimelines;

  @Override
  public Integer call() throws Exception {
    var config =
        ServerConfig.of(data, http, pg, memoryBudget())
            .withHistory(
                Sizes.parseBytes("--gc-horizon", horizon),
                Sizes.parseTime("--pitr-interval", pitrInterval))
            .withMetricsTimelines(metricsTimelines);
    VarveServer.run(config);
    return 0;
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
