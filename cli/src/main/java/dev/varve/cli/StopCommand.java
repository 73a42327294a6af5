package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Stops a timeline without deleting it.
@Command(
    name = "stop",
    description = {
      "Stop a timeline: it follows its source no more and refuses reads, but keeps what it has.",
      "Its branches go on. It stays stopped, also over a restart of the server, until varve start."
    },
    mixinStandardHelpOptions = true)
final class StopCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    String path = ServerClient.path(client.timeline(name));
    JsonNode timeline = client.post(path + "/stop", ServerClient.JSON.createObjectNode());
    var out = spec.commandLine().getOut();
    out.println(
        server.json
            ? timeline.toPrettyString()
            : name
                + " is stopped; all up to "
                + timeline.path("disk_consistent_lsn").asString()
                + " is durable");
    return 0;
  }
}
