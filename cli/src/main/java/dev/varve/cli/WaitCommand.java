package dev.varve.cli;

import dev.varve.model.Lsn;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Waits until a timeline has taken in the WAL up to an LSN.
@Command(
    name = "wait",
    description = "Wait until a timeline has the WAL up to an LSN; fails at the timeout.",
    mixinStandardHelpOptions = true)
final class WaitCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Option(names = "--lsn", required = true, paramLabel = "LSN", description = "Such as 0/16B3748.")
  private String lsn = "";

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "60",
      description = "How long to wait at the most (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    Lsn wanted;
    try {
      wanted = Lsn.parse(lsn);
    } catch (IllegalArgumentException e) {
      throw new CliException("--lsn: " + e.getMessage(), e);
    }
    ServerClient client = server.client();
    String path = ServerClient.path(client.timeline(name));
    JsonNode answer =
        client.get(
            path
                + "/wait_lsn?lsn="
                + ServerClient.encode(wanted.toString())
                + "&timeout_ms="
                + timeout * 1000L);
    var out = spec.commandLine().getOut();
    out.println(
        server.json
            ? answer.toPrettyString()
            : name + " is at " + answer.get("last_record_lsn").asString());
    return 0;
  }
}
