package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Lets a stopped timeline go on.
@Command(
    name = "start",
    description = {
      "Let a timeline go on that was stopped by varve stop. (varve serve starts a server.)"
    },
    mixinStandardHelpOptions = true)
final class StartCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    String path = ServerClient.path(client.timeline(name));
    JsonNode timeline = client.post(path + "/start", ServerClient.JSON.createObjectNode());
    var out = spec.commandLine().getOut();
    out.println(
        server.json
            ? timeline.toPrettyString()
            : name + " is started; it goes on from " + timeline.path("last_record_lsn").asString());
    return 0;
  }
}
