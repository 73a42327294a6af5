package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Takes a tenant over from the object store.
@Command(
    name = "attach",
    description = {
      "Take a tenant over from the object store, from whichever server has it or had it.",
      "It serves at once: its data stays in the store until somebody asks for it. The "
          + "server that had it, if it still runs, can change nothing in the store from then on. "
          + "Whom its timelines followed is not in the store: varve follow has them go on.%n"
    },
    footer = "%nvarve scrub lists the tenants of a store.",
    mixinStandardHelpOptions = true)
final class AttachCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "TENANT", description = "The tenant's id: 32 hex digits.")
  private String tenant = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    JsonNode timelines =
        server
            .client()
            .post(
                "/v1/tenant/" + ServerClient.encode(tenant) + "/attach",
                ServerClient.JSON.createObjectNode());
    var out = spec.commandLine().getOut();
    if (server.json) {
      out.println(timelines.toPrettyString());
      return 0;
    }
    for (JsonNode timeline : timelines) {
      out.printf(
          "%s is attached, up to %s%n",
          timeline.path("name").asString(), timeline.path("last_record_lsn").asString());
    }
    for (JsonNode timeline : timelines) {
      if (timeline.path("ancestor_timeline_id").isNull() && !timeline.has("wal_receiver")) {
        out.printf(
            "%1$s follows nobody; to go on from its source: varve follow %1$s --from CONNINFO%n",
            timeline.path("name").asString());
      }
    }
    out.flush();
    return 0;
  }
}
