package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Failures of real files.
class FailureTextTest {

  @TempDir private Path directory;

  private static String of(ThrowingCallable failing) {
    return FailureText.of(catchThrowable(failing));
  }

  @Test
  void aFileIsNotAllThatIsSaid() throws IOException {
    Path absent = directory.resolve("absent");
    Path file = Files.writeString(directory.resolve("file"), "x");
    Path other = Files.createDirectory(directory.resolve("other"));
    assertThat(of(() -> Files.readString(absent))).isEqualTo(absent + " is missing");
    assertThat(of(() -> Files.createFile(file))).isEqualTo(file + " is there already");
    assertThat(of(() -> Files.delete(directory)))
        .isEqualTo("directory " + directory + " is not empty");
    Files.writeString(other.resolve("more"), "x");
    assertThat(of(() -> Files.move(file, other, StandardCopyOption.REPLACE_EXISTING)))
        .isEqualTo("directory " + other + " is not empty");
    String listed =
        of(() -> {
          try (var children = Files.list(file)) {
            assertThat(children).isEmpty();
          }
        });
    assertThat(listed).isEqualTo(file + " is no directory");
    // Root may do everything.
    assertThat(FailureText.of(new AccessDeniedException("/data/index")))
        .isEqualTo(
            "no permission for /data/index: this server's user must be able to read and write it");
  }

  @Test
  void whatSaysMoreIsLeftAsItIs() {
    assertThat(FailureText.of(new AccessDeniedException("/a", null, "quota")))
        .isEqualTo("/a: quota");
    assertThat(FailureText.of(new IOException("No space left on device")))
        .isEqualTo("No space left on device");
    assertThat(FailureText.of(new IllegalStateException()))
        .isEqualTo("java.lang.IllegalStateException");
  }
}
