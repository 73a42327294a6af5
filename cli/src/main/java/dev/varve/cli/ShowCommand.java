package dev.varve.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// One timeline in full: what it is, how far it is, what can be restored, whom it follows.
@Command(
    name = "show",
    description = "Show one timeline: its state, its restorable window, what it follows.",
    mixinStandardHelpOptions = true)
final class ShowCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    var timeline = (ObjectNode) client.timeline(name);
    timeline.setAll((ObjectNode) client.get(ServerClient.path(timeline) + "/detail"));
    PrintWriter out = spec.commandLine().getOut();
    if (server.json) {
      out.println(timeline.toPrettyString());
      return 0;
    }
    line(out, "name", text(timeline, "name"));
    line(out, "state", state(timeline));
    line(out, "PostgreSQL", text(timeline, "pg_version"));
    line(out, "tenant", text(timeline, "tenant_id"));
    line(out, "timeline", text(timeline, "timeline_id"));
    line(out, "branch of", branchOf(timeline));
    line(out, "last LSN", text(timeline, "last_record_lsn"));
    line(out, "durable LSN", text(timeline, "disk_consistent_lsn"));
    line(
        out,
        "restorable LSNs",
        text(timeline, "min_readable_lsn") + " to " + text(timeline, "last_record_lsn"));
    line(out, "restorable times", times(timeline));
    line(out, "size", size(timeline));
    line(out, "layers", text(timeline, "layer_count"));
    damagedFiles(timeline).forEach(damaged -> line(out, "damaged", damaged));
    if (timeline.has("remote_consistent_lsn")) {
      line(
          out,
          "in the store",
          "up to " + text(timeline, "remote_consistent_lsn") + waiting(timeline));
    }
    JsonNode ingest = timeline.path("ingest");
    if (ingest.path("slowed_count").asLong() + ingest.path("stopped_count").asLong() > 0) {
      line(
          out,
          "ingest held up",
          "slowed for %.1f s, stopped for %.1f s since the server started"
              .formatted(
                  ingest.path("slowed_seconds").asDouble(),
                  ingest.path("stopped_seconds").asDouble()));
    }
    JsonNode receiver = timeline.path("wal_receiver");
    if (receiver.isObject()) {
      line(out, "follows", text(receiver, "source"));
      line(out, "WAL receiver", text(receiver, "state"));
      line(out, "received LSN", text(receiver, "last_received_msg_lsn"));
      if (receiver.path("last_error").isString()) {
        line(out, "last error", text(receiver, "last_error"));
      }
    }
    out.flush();
    return 0;
  }

  private static String times(JsonNode timeline) {
    if (timeline.path("commit_time_error").isString()) {
      return "not known: " + text(timeline, "commit_time_error");
    }
    return timeline.path("last_commit_time").isString()
        ? text(timeline, "first_commit_time") + " to " + text(timeline, "last_commit_time")
        : "no commit yet";
  }

  /// Of the layers.
  static String size(JsonNode timeline) {
    JsonNode states = timeline.path("layers_by_state");
    long elsewhere =
        Stream.of("evicted", "downloading", "failed")
            .mapToLong(state -> states.path(state).path("bytes").asLong())
            .sum();
    return Sizes.bytes(timeline.get("current_physical_size").asLong())
        + (elsewhere == 0
            ? ""
            : ", of which " + Sizes.bytes(elsewhere) + " are in the object store only");
  }

  /// What is not in the object store yet, and why.
  private static String waiting(JsonNode timeline) {
    long bytes = timeline.path("waiting_bytes").asLong();
    String failure = text(timeline, "upload_failure");
    return (bytes == 0 ? "" : "; " + Sizes.bytes(bytes) + " wait")
        + (failure.equals("-") ? "" : "; " + failure);
  }

  private static void line(PrintWriter out, String what, String value) {
    out.printf("%-17s %s%n", what, value);
  }

  private static String text(JsonNode node, String field) {
    JsonNode value = node.path(field);
    return value.isMissingNode() || value.isNull() ? "-" : value.asString();
  }

  static String state(JsonNode timeline) {
    String reason = text(timeline, "state_reason");
    int damaged = timeline.path("damaged_files").size();
    return text(timeline, "state")
        + (reason.equals("-") ? "" : ": " + reason)
        + (damaged == 0
            ? ""
            : ", " + damaged + (damaged == 1 ? " damaged file" : " damaged files"));
  }

  /// A sentence for each.
  static List<String> damagedFiles(JsonNode timeline) {
    return timeline
        .path("damaged_files")
        .valueStream()
        .map(file ->
            text(file, "path") + " " + text(file, "finding") + ", found " + text(file, "since"))
        .toList();
  }

  static String branchOf(JsonNode timeline) {
    String ancestor = text(timeline, "ancestor_name");
    return ancestor.equals("-") ? "-" : ancestor + " at " + text(timeline, "ancestor_lsn");
  }

  static String source(JsonNode timeline) {
    JsonNode receiver = timeline.path("wal_receiver");
    return receiver.isObject()
        ? text(receiver, "source") + " (" + text(receiver, "state") + ")"
        : "-";
  }
}
