package dev.varve.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Has a timeline go on from a running server.
@Command(
    name = "follow",
    description = {
      "Have a timeline follow a running PostgreSQL from where it ends.",
      "That is for one that was attached from an object store or imported by --tar, or "
          + "whose source has another address or password now. The server must be of the cluster "
          + "that was imported, and must still have the WAL that comes next; else nothing "
          + "changes, and the server has to be imported anew.%n"
    },
    footer = {
      "",
      "What still keeps WAL from coming, such as a Varve server that had the timeline before and",
      "runs on, is said, and tried again."
    },
    mixinStandardHelpOptions = true)
final class FollowCommand extends TimelineCommand {

  @Option(
      names = "--from",
      required = true,
      paramLabel = "CONNINFO",
      description =
          "The server, as varve import takes it. A replication slot that the timeline has there "
              + "is used again; otherwise one is made.")
  private String conninfo = "";

  FollowCommand() {
    super("follow");
  }

  @Override
  ObjectNode body() {
    return ImportCommand.from(conninfo);
  }

  @Override
  String describe(String name, JsonNode timeline) {
    JsonNode receiver = timeline.path("wal_receiver");
    String follows = name + " follows " + receiver.path("source").asString();
    if (receiver.path("state").asString().equals("streaming")) {
      return follows + ", and is at " + timeline.path("last_record_lsn").asString();
    }
    JsonNode error = receiver.path("last_error");
    return follows
        + ", but no WAL comes yet, which is tried again: "
        + (error.isString() ? error.asString() : "it takes long to connect");
  }
}
