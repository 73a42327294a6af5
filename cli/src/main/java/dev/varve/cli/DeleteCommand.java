package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Deletes a timeline.
@Command(
    name = "delete",
    description = {
      "Delete a timeline and all that only it needs. Refused while branches of it exist.",
      "For an imported server, the replication slot on the source is dropped, too."
    },
    mixinStandardHelpOptions = true)
final class DeleteCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    var answer = client.delete(ServerClient.path(client.timeline(name)));
    var out = spec.commandLine().getOut();
    out.println(server.json ? answer.toPrettyString() : name + " is deleted");
    if (!server.json && answer.path("warning").isString()) {
      spec.commandLine().getErr().println("varve: " + answer.get("warning").asString());
    }
    return 0;
  }
}
