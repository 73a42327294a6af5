package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// All timelines of a server, one a line.
@Command(
    name = "list",
    description = "List the timelines: imported servers and branches.",
    mixinStandardHelpOptions = true)
final class ListCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    JsonNode timelines = server.client().get("/v1/timeline");
    var out = spec.commandLine().getOut();
    if (server.json) {
      out.println(timelines.toPrettyString());
      return 0;
    }
    var table =
        new Table("NAME", "STATE", "POSTGRESQL", "BRANCH OF", "LAST LSN", "SIZE", "FOLLOWS");
    for (JsonNode timeline : timelines) {
      table.row(
          timeline.get("name").asString(),
          ShowCommand.state(timeline),
          timeline.get("pg_version").asInt(),
          ShowCommand.branchOf(timeline),
          timeline.get("last_record_lsn").asString(),
          Sizes.bytes(timeline.get("current_physical_size").asLong()),
          ShowCommand.source(timeline));
    }
    table.print(out);
    return 0;
  }
}
