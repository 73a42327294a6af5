package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// The launcher runs commands with what the build has packaged, in which nothing may be missing
/// that only a command needs which no other test starts.
class LauncherTest {

  private static final Path ROOT = Path.of(System.getProperty("varve.root", ".."));
  private static final Path LIBRARIES = Path.of("cli", "target", "lib");

  @Test
  void scrubRuns() throws Exception {
    try (var scratch = Scratch.make()) {
      String store = Files.createDirectory(scratch.of("store")).toUri().toString();
      assertThat(run(scratch, 1, "scrub", "--remote", store)).contains("has nothing of Varve's");
    }
  }

  @Test
  void simulateRuns() throws Exception {
    try (var scratch = Scratch.make()) {
      assertThat(run(scratch, 0, "simulate", "--seeds", "1")).contains("1 seeds from");
    }
  }

  @Test
  void helpRuns() throws Exception {
    try (var scratch = Scratch.make()) {
      assertThat(run(scratch, 0, "--help")).contains("scrub").contains("simulate");
    }
  }

  /// Runs a copy of the launcher in a folder that looks to it as if all were built: it must not
  /// build anything while the build that runs this test goes on.
  private static String run(Scratch scratch, int code, String... words) throws Exception {
    Path libraries = ROOT.resolve(LIBRARIES).toAbsolutePath().normalize();
    assumeTrue(isPackaged(libraries));
    Path root = Files.createDirectory(scratch.of("root"));
    Path launcher = root.resolve("varve");
    Files.copy(ROOT.resolve("varve"), launcher, StandardCopyOption.COPY_ATTRIBUTES);
    Files.createFile(root.resolve("pom.xml"));
    Files.createDirectories(root.resolve("cli/src/main"));
    Files.createFile(root.resolve("cli/pom.xml"));
    Path link = root.resolve(LIBRARIES);
    Files.createDirectories(link.getParent());
    Files.createSymbolicLink(link, libraries);
    Files.createFile(root.resolve("cli/target/varve.stamp"));

    List<String> command = new ArrayList<>(List.of(launcher.toString()));
    command.addAll(List.of(words));
    Path said = scratch.of("said");
    Process process =
        new ProcessBuilder(command)
            .directory(root.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    boolean ended = process.waitFor(2, TimeUnit.MINUTES);
    process.destroyForcibly();
    String text = Files.readString(said);
    assertThat(ended).as(text).isTrue();
    assertThat(process.exitValue()).as(text).isEqualTo(code);
    return text;
  }

  /// Before the package phase there may be nothing, which is said loudly.
  private static boolean isPackaged(Path libraries) throws IOException {
    if (Files.isDirectory(libraries)) {
      return true;
    }
    System.err.println(
        "*** THERE IS NO "
            + libraries
            + ": the test of the launcher is skipped. ./mvnw verify ***");
    return false;
  }
}
