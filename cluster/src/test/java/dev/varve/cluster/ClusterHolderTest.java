package dev.varve.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// No server outlives the JVM that started it.
class ClusterHolderTest {

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theServerEndsWithTheJvm(boolean forcibly) throws Exception {
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-D"
                    + PostgresBinaries.ARCHIVES_PROPERTY
                    + "="
                    + System.getProperty(PostgresBinaries.ARCHIVES_PROPERTY),
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                ClusterHolder.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var out = jvm.inputReader(StandardCharsets.UTF_8)) {
      String line = String.valueOf(out.readLine());
      int space = line.indexOf(' ');
      ProcessHandle server =
          ProcessHandle.of(Long.parseLong(line.substring(0, space))).orElseThrow();
      Path base = Path.of(line.substring(space + 1));
      assertThat(server.isAlive()).isTrue();
      if (forcibly) {
        jvm.destroyForcibly();
      } else {
        jvm.destroy();
      }
      assertThat(jvm.waitFor(60, TimeUnit.SECONDS)).isTrue();
      server.onExit().get(60, TimeUnit.SECONDS);
      if (forcibly) {
        // Nobody was left to do it.
        Trees.delete(base);
      }
      assertThat(base).doesNotExist();
    } finally {
      jvm.destroyForcibly();
    }
  }

  /// Or the guard would, much later, signal whoever has got the server's number by then.
  @Test
  void theGuardOfAServerThatDiesEndsWithIt() throws Exception {
    try (LocalCluster cluster = LocalCluster.builder(PostgresBinaries.of(17)).start()) {
      awaitGuards(1); // those of earlier servers may be about to end
      ProcessHandle server = ProcessHandle.of(cluster.pid()).orElseThrow();
      server.destroyForcibly();
      server.onExit().get(60, TimeUnit.SECONDS);
      awaitGuards(0);
    }
  }

  private static void awaitGuards(int count) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (guards() != count) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.onSpinWait();
    }
  }

  private static long guards() {
    return ProcessHandle.current()
        .children()
        .filter(child -> child.info().commandLine().orElse("").contains("kill -s QUIT"))
        .count();
  }

  @Test
  void aSecondCloseDoesNothing() throws Exception {
    LocalCluster cluster = LocalCluster.builder(PostgresBinaries.of(17)).start();
    cluster.close();
    cluster.close();
    assertThat(cluster.isRunning()).isFalse();
  }
}
