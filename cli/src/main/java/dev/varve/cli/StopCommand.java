package dev.varve.cli;

import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/// Stops a timeline without deleting it.
@Command(
    name = "stop",
    description = {
      "Stop a timeline: it keeps what it has, but follows no source and refuses reads.",
      "Its branches go on. It stays stopped, also over a restart of the server, until varve "
          + "start."
    },
    mixinStandardHelpOptions = true)
final class StopCommand extends TimelineCommand {

  StopCommand() {
    super("stop");
  }

  @Override
  String describe(String name, JsonNode timeline) {
    return "%s is stopped; all up to %s is durable"
        .formatted(name, timeline.path("disk_consistent_lsn").asString());
  }
}
