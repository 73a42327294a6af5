package dev.varve.cli;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScrubCommandTest {

  @TempDir private Path folder;

  /// A prefix with a typo is no store in which all is well.
  @Test
  void anEmptyStoreIsNotWhole() {
    String store = folder.toUri().toString().replaceFirst("^file:/+", "file:///");
    CommandRun.of("scrub", "--remote", store)
        .refused(folder.toString(), "has nothing of Varve's", "bucket and prefix");
  }
}
