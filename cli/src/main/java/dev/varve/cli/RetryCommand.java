package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Has the server look again at what was wrong with a timeline.
@Command(
    name = "retry",
    description = {
      "Try a broken timeline again now, and look whether damaged files were put back.",
      "The server does both from time to time anyway. Exits with 1 if something is still wrong."
    },
    mixinStandardHelpOptions = true)
final class RetryCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    String path = ServerClient.path(client.timeline(name));
    JsonNode timeline = client.post(path + "/retry", ServerClient.JSON.createObjectNode());
    var out = spec.commandLine().getOut();
    if (server.json) {
      out.println(timeline.toPrettyString());
    } else {
      out.println(name + " is " + ShowCommand.state(timeline));
      ShowCommand.damagedFiles(timeline).forEach(out::println);
    }
    boolean well =
        timeline.path("damaged_files").isEmpty()
            && !timeline.path("state").asString().equals("broken");
    return well ? 0 : 1;
  }
}
