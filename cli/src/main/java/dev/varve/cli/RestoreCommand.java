package dev.varve.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
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

/// Writes a data directory that an unmodified PostgreSQL starts from.
@Command(
    name = "restore",
    description = {
      "Write a timeline's data directory, as of now or of a past moment.",
      "An unmodified PostgreSQL of the same major version starts from it directly; nothing "
          + "is replayed. Archiving is switched off in it, so that it can't write into "
          + "production's archive.%n"
    },
    mixinStandardHelpOptions = true)
final class RestoreCommand implements Callable<Integer> {

  @Mixin private ServerOptions server = new ServerOptions();

  @Parameters(paramLabel = "NAME", description = "The timeline to restore.")
  private String name = "";

  @Option(
      names = "--to",
      required = true,
      paramLabel = "DIR",
      description =
          "The directory to write; it must be empty or missing. Tablespaces go into folders of "
              + "DIR.tablespaces beside it.")
  private Path target = Path.of("");

  @Option(
      names = "--at",
      paramLabel = "LSN|TIMESTAMP",
      description = "The moment: an LSN, or a time, which means the last commit at or before it.")
  private @Nullable String at;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Moment moment = at == null ? null : Moment.parse(at);
    requireEmpty(target);
    ServerClient client = server.client();
    JsonNode timeline = client.timeline(name);
    long started = System.nanoTime();
    HttpResponse<InputStream> response =
        client.stream(
            ServerClient.path(timeline)
                + "/fullbackup"
                + (moment == null ? "" : "?" + moment.query()));
    long total = response.headers().firstValueAsLong("X-Varve-Bytes").orElse(0);
    String lsn = response.headers().firstValue("X-Varve-Lsn").orElse("");
    long bytes;
    try (InputStream body = response.body();
        var progress = new Progress("restoring " + name)) {
      bytes = DirectoryExtraction.extract(body, target, n -> progress.update(n, total));
    }
    Duration took = Duration.ofNanos(System.nanoTime() - started);
    report(lsn, bytes, took);
    return 0;
  }

  private void report(String lsn, long bytes, Duration took) {
    var out = spec.commandLine().getOut();
    if (server.json) {
      ObjectNode answer = ServerClient.JSON.createObjectNode();
      answer.put("name", name).put("lsn", lsn).put("directory", target.toString());
      answer.put("bytes", bytes).put("milliseconds", took.toMillis());
      out.println(answer.toPrettyString());
    } else {
      out.printf(
          "%s as of %s is in %s (%s in %s)%n"
              + "Start it with: pg_ctl -D %s -o \"-p 5433\" start%n",
          name, lsn, target, Sizes.bytes(bytes), Sizes.time(took), target);
    }
    out.flush();
  }

  private static void requireEmpty(Path target) throws IOException {
    if (!Files.exists(target)) {
      return;
    }
    if (!Files.isDirectory(target)) {
      throw new CliException(target + " is a file; --to takes an empty or a missing directory");
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(target)) {
      if (files.iterator().hasNext()) {
        throw new CliException(
            target + " is not empty; restore into an empty or a missing directory");
      }
    }
  }
}
