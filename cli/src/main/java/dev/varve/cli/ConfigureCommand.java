package dev.varve.cli;

import java.net.http.HttpRequest.BodyPublishers;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Sets what holds for one tenant alone, or shows it.
@Command(
    name = "configure",
    description = {
      "Set what holds for one tenant in the place of its server's options, and show it.",
      "Without an option it is only shown. It counts at once, and goes where the tenant "
          + "goes: with an object store it is kept there, too.%n"
    },
    mixinStandardHelpOptions = true)
final class ConfigureCommand implements Callable<Integer> {

  /// One or the other.
  static final class Change {
    @Option(
        names = "--pitr-interval",
        paramLabel = "TIME",
        description =
            "How far back every moment can be read, such as 30d, 12h or 30min, as varve serve "
                + "takes it. History that is gone already does not come back.")
    @Nullable String pitrInterval;

    @Option(names = "--reset", description = "All as the server's options say.")
    boolean reset;
  }

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "TENANT", description = "The tenant's id, as varve show says it.")
  private String tenant = "";

  @ArgGroup private @Nullable Change change;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    String path = "/v1/tenant/" + ServerClient.encode(tenant);
    JsonNode now;
    if (change == null) {
      now = client.get(path);
    } else {
      ObjectNode settings = ServerClient.JSON.createObjectNode();
      String interval = change.pitrInterval;
      if (interval != null) {
        Sizes.parseTime("--pitr-interval", interval);
        client
            .get(path + "/config")
            .properties()
            .forEach(old -> settings.set(old.getKey(), old.getValue()));
        settings.put("pitr_interval", interval);
      }
      now = client.put(path + "/config", BodyPublishers.ofString(settings.toString()));
    }
    spec.commandLine().getOut().println(server.json ? now.toPrettyString() : describe(now));
    return 0;
  }

  private static String describe(JsonNode tenant) {
    if (tenant.path("configuration_error").isString()) {
      return "nothing is dropped for now: " + tenant.path("configuration_error").asString();
    }
    String from =
        tenant.path("pitr_interval_from").asString().equals("tenant")
            ? "as is set for this tenant"
            : "as the server's --pitr-interval says";
    return "PITR interval: %s, %s".formatted(tenant.path("pitr_interval").asString(), from);
  }
}
