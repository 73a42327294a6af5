package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import java.io.IOException;

/// Keeps every version. Where a key ends with a long chain of changes, the last of them becomes an
/// image of what it leads to: reads from there on begin with it, and those before do not see it.
final class AllVersions implements KeptVersions {

  private final MergeOutput output;
  private final Materializer materializer;

  /// The last version, which is written when it is known whether it is the last of its key.
  private final VersionStack held = new VersionStack();

  private long upper;
  private long middle;
  private long lower;
  private int changes;
  private long changedBytes;

  AllVersions(MergeOutput output, Materializer materializer) {
    this.output = output;
    this.materializer = materializer;
  }

  @Override
  public void add(LayerCursor version) throws IOException {
    writeHeld();
    upper = version.upper();
    middle = version.middle();
    lower = version.lower();
    held.push(version.lsn(), version.image(), version.initializes(), version.bytes());
    if (version.initializes()) {
      changes = 0;
      changedBytes = 0;
    }
    if (!version.image()) {
      changes++;
      changedBytes += version.length();
    }
  }

  private void writeHeld() throws IOException {
    if (held.count() > 0) {
      output.add(
          upper,
          middle,
          lower,
          held.lsn(0),
          held.isImage(0),
          held.initializes(0),
          held.bytes(0),
          0,
          (int) held.bytes(0).byteSize());
      held.clear();
    }
  }

  @Override
  public void endKey() throws IOException {
    if (Materializer.isWorthwhile(changes, changedBytes)
        && materializer.make(upper, middle, lower, held.lsn(0))) {
      output.add(
          upper,
          middle,
          lower,
          held.lsn(0),
          true,
          true,
          materializer.page(),
          0,
          PageBuilder.PAGE_BYTES);
      held.clear();
    }
    writeHeld();
    changes = 0;
    changedBytes = 0;
  }
}
