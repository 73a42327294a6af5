package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cli.Main;
import dev.varve.cluster.LocalS3;
import dev.varve.cluster.Trees;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import picocli.CommandLine;

/// A bucket of an S3 server in this process, for servers in processes of their own.
final class Bucket implements AutoCloseable {

  private static final String NAME = "varve";

  /// Where the AWS SDK in this process looks for credentials.
  private static final Map<String, String> PROPERTIES =
      Map.of("aws.accessKeyId", LocalS3.KEY, "aws.secretAccessKey", LocalS3.SECRET);

  /// Where that of another process does.
  static final Map<String, String> CREDENTIALS =
      Map.of("AWS_ACCESS_KEY_ID", LocalS3.KEY, "AWS_SECRET_ACCESS_KEY", LocalS3.SECRET);

  private final LocalS3 server;
  private final Path folder;

  Bucket(Path folder) throws IOException {
    this.folder = folder;
    server = LocalS3.start(folder, NAME);
  }

  int port() {
    return server.port();
  }

  /// For `--remote`.
  String address() {
    return server.address();
  }

  /// For `--remote`, through something that listens on another port.
  String address(int port) {
    return server.address().replace(":" + server.port(), ":" + port);
  }

  /// The names of all objects.
  SortedSet<String> objects() throws IOException {
    Path bucket = folder.resolve(NAME);
    return Trees.list(bucket).stream()
        .filter(Files::isRegularFile)
        .map(file -> bucket.relativize(file).toString())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /// Says `varve scrub`, which must find no problem.
  ///
  /// @return what it printed
  String scrub(String... options) {
    PROPERTIES.forEach(System::setProperty);
    try {
      List<String> arguments = new ArrayList<>(List.of("scrub", "--remote", address()));
      arguments.addAll(List.of(options));
      var said = new StringWriter();
      var writer = new PrintWriter(said, true);
      CommandLine command = Main.commandLine();
      command.setOut(writer).setErr(writer);
      assertThat(command.execute(arguments.toArray(String[]::new))).as("%s", said).isZero();
      return said.toString();
    } finally {
      PROPERTIES.keySet().forEach(System::clearProperty);
    }
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
