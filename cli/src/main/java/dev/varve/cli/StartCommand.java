package dev.varve.cli;

import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/// Lets a stopped timeline go on.
@Command(
    name = "start",
    description =
        "Let a timeline go on that was stopped by varve stop. (varve serve starts a server.)",
    mixinStandardHelpOptions = true)
final class StartCommand extends TimelineCommand {

  StartCommand() {
    super("start");
  }

  @Override
  String describe(String name, JsonNode timeline) {
    return name + " is started; it goes on from " + timeline.path("last_record_lsn").asString();
  }
}
