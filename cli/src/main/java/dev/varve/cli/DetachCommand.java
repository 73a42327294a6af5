package dev.varve.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Gives a tenant up; the object store keeps it.
@Command(
    name = "detach",
    description = {
      "Upload all of a tenant, and then delete it from this server.",
      "The object store has it then, and varve attach brings it back, here or elsewhere. "
          + "What it follows is followed no more, and the replication slots on the sources are "
          + "dropped. When the upload fails, nothing changes.%n"
    },
    mixinStandardHelpOptions = true)
final class DetachCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "TENANT", description = "The tenant's id, as varve show says it.")
  private String tenant = "";

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "600",
      description = "How long the upload may take (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    JsonNode answer =
        server
            .client()
            .post(
                "/v1/tenant/"
                    + ServerClient.encode(tenant)
                    + "/detach?timeout_ms="
                    + timeout * 1000L,
                ServerClient.JSON.createObjectNode());
    var out = spec.commandLine().getOut();
    out.println(
        server.json
            ? answer.toPrettyString()
            : "tenant " + tenant + " is in the object store, and here no more");
    if (!server.json) {
      answer
          .path("warnings")
          .forEach(warning -> spec.commandLine().getErr().println("varve: " + warning.asString()));
    }
    return 0;
  }
}
