package dev.varve.timeline;

import java.nio.file.Path;
import java.time.Instant;

/// A layer file that can't be read as it should be. Reads that need it fail; others don't notice.
///
/// @param finding what is wrong; a sentence for people, with `file` before it
/// @param since when that was found
public record DamagedFile(Path file, String finding, Instant since) {

  @Override
  public String toString() {
    return "layer file " + file + " " + finding;
  }
}
