package dev.varve.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// The main job, from beginning to end, on this machine alone.
@Command(
    name = "demo",
    description = {
      "Show the main job: rows of a PostgreSQL under load are lost, and come back.",
      "Starts a PostgreSQL 17 \"production\" under load, imports it, follows it, deletes a "
          + "table's rows by accident, branches to the moment before, starts PostgreSQL from the "
          + "branch and shows the rows. Needs nothing but this machine, takes under two minutes, "
          + "and leaves nothing behind.%n"
    },
    mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {

  @Option(
      names = "--clients",
      paramLabel = "N",
      defaultValue = "2",
      description = "Clients that work on production meanwhile (default: ${DEFAULT-VALUE}).")
  private int clients;

  /// Where the demo's server keeps everything, too.
  enum Store {
    S3
  }

  @Option(
      names = "--remote",
      paramLabel = "s3",
      description =
          "Keep everything in an S3 server, which is started in this process; before the "
              + "restore, the server is killed and its disk wiped, and another one serves the branch "
              + "from the bucket.")
  private @Nullable Store remote;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    Path folder = Files.createTempDirectory("varve-demo-");
    // As root, PostgreSQL runs as another user, who must get through to the restored directory.
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
    try (var demo = new Demo(folder, clients, remote != null, out)) {
      demo.run();
    }
    out.println("\nNothing is left behind. Next: README.md, \"A tour\".");
    out.flush();
    return 0;
  }
}
