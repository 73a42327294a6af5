package dev.varve.datadir.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/// PostgreSQL 15's client programs of Debian, with a server of the same version.
final class Debian {

  private static final Path BIN = Path.of("/usr/lib/postgresql/15/bin");

  private Debian() {}

  static void assume() {
    Assumptions.assumeTrue(
        Files.isExecutable(BIN.resolve("pg_basebackup")), "no pg_basebackup of 15 here");
  }

  static PostgresBinaries version() throws IOException {
    return PostgresBinaries.of(15);
  }

  /// Begins a program that connects to a server.
  static Process start(LocalCluster cluster, Path log, String program, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(BIN.resolve(program).toString()));
    command.addAll(
        List.of("-h", cluster.host(), "-p", "" + cluster.port(), "-U", cluster.superuser()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  static void run(LocalCluster cluster, Path log, String program, String... arguments)
      throws IOException, InterruptedException {
    int code = start(cluster, log, program, arguments).waitFor();
    assertThat(code).as(Files.readString(log)).isZero();
  }

  /// Runs a program that needs no server.
  static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
  }
}
