package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A command that asks the server for one thing with one timeline, and says what became of it.
abstract class TimelineCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Spec private CommandSpec spec;

  private final String action;

  /// @param action the last part of the route of the HTTP API
  TimelineCommand(String action) {
    this.action = action;
  }

  /// What to send with the request.
  ObjectNode body() {
    return ServerClient.JSON.createObjectNode();
  }

  /// What to print for people, a line or more.
  abstract String describe(String timelineName, JsonNode timeline);

  /// The status to exit with.
  int status(JsonNode timeline) {
    return 0;
  }

  @Override
  public Integer call() {
    ServerClient client = server.client();
    String path = ServerClient.path(client.timeline(name));
    JsonNode timeline = client.post(path + "/" + action, body());
    spec.commandLine()
        .getOut()
        .println(server.json ? timeline.toPrettyString() : describe(name, timeline));
    return status(timeline);
  }
}
