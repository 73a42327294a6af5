package dev.varve.cli;

import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/// Has all of a timeline on the server's disk.
@Command(
    name = "download",
    description = {
      "Have all of a timeline on the server's disk that is in the object store only.",
      "That is for after varve attach; it waits until all is there. Reads do without, but "
          + "take longer. It comes as far as there is room below the server's --disk-limit, and "
          + "may go again when it is not used.%n"
    },
    footer = "%nExit status: 0 when all is there, 1 otherwise.",
    mixinStandardHelpOptions = true)
final class DownloadCommand implements Callable<Integer> {

  /// Between two looks, of which each is one at all layers: the first is soon,
  private static final Duration SOON = Duration.ofMillis(100);

  /// the later ones are not.
  private static final Duration LATER = Duration.ofSeconds(3);

  /// How long nothing may come before it is taken for all that comes.
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline's name.")
  private String name = "";

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "86400",
      description = "How long it may take (default: ${DEFAULT-VALUE}).")
  private int timeout;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    ServerClient client = server.client();
    String path = ServerClient.path(client.timeline(name)) + "/download";
    long began = System.nanoTime();
    JsonNode first = ask(client, path);
    JsonNode last = first;
    long moved = began;
    try (var progress = new Progress("downloading " + name)) {
      long now = began;
      long pause = SOON.toNanos();
      while (left(last) > 0
          && now - moved < PATIENCE.toNanos()
          && now - began < Duration.ofSeconds(timeout).toNanos()) {
        LockSupport.parkNanos(pause);
        pause = Math.min(pause * 2, LATER.toNanos());
        JsonNode next = ask(client, path);
        now = System.nanoTime();
        if (left(next) != left(last) || next.path("under_way").asInt() > 0) {
          moved = now;
        }
        last = next;
        progress.update(Math.max(0, left(first) - left(last)), left(first));
      }
    }
    var out = spec.commandLine().getOut();
    out.println(server.json ? last.toPrettyString() : describe(last));
    out.flush();
    return left(last) == 0 ? 0 : 1;
  }

  private static JsonNode ask(ServerClient client, String path) {
    return client.post(path, ServerClient.JSON.createObjectNode());
  }

  private static long left(JsonNode answer) {
    return answer.path("bytes").asLong();
  }

  private String describe(JsonNode last) {
    if (left(last) == 0) {
      return "all of %s is on the server's disk".formatted(name);
    }
    String obstacle = last.path("obstacle").asString("");
    return "%d layers of %s, %s, are in the object store only%s"
        .formatted(
            last.path("layers").asInt(),
            name,
            Sizes.bytes(left(last)),
            obstacle.isEmpty() ? "" : ": " + obstacle);
  }
}
