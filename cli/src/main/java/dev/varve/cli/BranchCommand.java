package dev.varve.cli;

import java.time.Duration;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Makes a branch: a new timeline that shares the history of another up to a moment.
@Command(
    name = "branch",
    description = {
      "Branch a timeline as of now or of a past moment. Takes milliseconds, whatever the size.",
      "As of now means: all that the followed server has written by this moment."
    },
    mixinStandardHelpOptions = true)
final class BranchCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(index = "0", paramLabel = "FROM", description = "The timeline to branch.")
  private String from = "";

  @Parameters(index = "1", paramLabel = "NEW", description = "The branch's name.")
  private String name = "";

  @Option(
      names = "--at",
      paramLabel = "LSN|TIMESTAMP",
      description =
          "The moment: an LSN, or a time, which means the last commit at or before it. A time "
              + "without a zone is in this machine's.")
  private @Nullable String at;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    Moment moment = at == null ? null : Moment.parse(at);
    JsonNode ancestor = client.timeline(from);
    ObjectNode body = ServerClient.JSON.createObjectNode();
    body.put("name", name);
    body.put("ancestor_timeline_id", ancestor.get("timeline_id").asString());
    switch (moment) {
      case null -> body.put("ancestor_start", "now");
      case Moment.AtLsn(var lsn) -> body.put("ancestor_start_lsn", lsn.toString());
      case Moment.AtTime(var time) -> body.put("ancestor_start_time", time.toString());
    }
    long started = System.nanoTime();
    JsonNode branch =
        client.post("/v1/tenant/" + ancestor.get("tenant_id").asString() + "/timeline", body);
    Duration took = Duration.ofNanos(System.nanoTime() - started);
    var out = spec.commandLine().getOut();
    if (server.json) {
      out.println(branch.toPrettyString());
    } else {
      out.printf(
          "%s branches off %s at %s (%s)%n",
          name, from, at(moment, branch.get("ancestor_lsn").asString()), Sizes.time(took));
    }
    out.flush();
    return 0;
  }

  /// The branch point, and the LSN that was asked for if it is another.
  private static String at(@Nullable Moment moment, String used) {
    return moment instanceof Moment.AtLsn(var asked) && !asked.toString().equals(used)
        ? used + ", the last LSN before " + asked + " where a record may end,"
        : used;
  }
}
