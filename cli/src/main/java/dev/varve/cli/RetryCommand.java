package dev.varve.cli;

import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/// Has the server look again at what was wrong with a timeline.
@Command(
    name = "retry",
    description = {
      "Try a broken timeline again now, and look whether damaged files were put back.",
      "Those that were not are fetched from the object store, if there is one. The server "
          + "does all that from time to time anyway. Exits with 1 if something is still wrong."
    },
    mixinStandardHelpOptions = true)
final class RetryCommand extends TimelineCommand {

  RetryCommand() {
    super("retry");
  }

  @Override
  String describe(String name, JsonNode timeline) {
    String state = name + " is " + ShowCommand.state(timeline);
    return Stream.concat(Stream.of(state), ShowCommand.damagedFiles(timeline).stream())
        .collect(Collectors.joining(System.lineSeparator()));
  }

  @Override
  int status(JsonNode timeline) {
    boolean well =
        timeline.path("damaged_files").isEmpty()
            && !timeline.path("state").asString().equals("broken");
    return well ? 0 : 1;
  }
}
