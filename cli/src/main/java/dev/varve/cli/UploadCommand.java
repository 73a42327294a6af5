package dev.varve.cli;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Has all of a timeline in the object store.
@Command(
    name = "upload",
    description = {
      "Make all that a timeline has durable in the object store, now, and wait for it.",
      "It happens by itself, too: when 16 MiB wait, or three hours after a change."
    },
    mixinStandardHelpOptions = true)
final class UploadCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "How long it may take (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    JsonNode timeline =
        client.put(
            ServerClient.path(client.timeline(name))
                + "/checkpoint?upload=true&timeout_ms="
                + timeout * 1000L,
            BodyPublishers.noBody());
    spec.commandLine()
        .getOut()
        .println(
            server.json
                ? timeline.toPrettyString()
                : name
                    + " is in the object store up to "
                    + timeline.path("disk_consistent_lsn").asString());
    return 0;
  }
}
