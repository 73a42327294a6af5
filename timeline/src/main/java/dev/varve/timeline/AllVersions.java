package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Keeps every version. Where a key ends with a long chain of changes, and wherever a chain has
/// become very long, the last of them becomes an image of what it leads to: reads from there on
/// begin with it, and those before do not see it.
final class AllVersions implements KeptVersions {

  private final MergeOutput output;
  private final Materializer materializer;

  /// The last version, which is written when it is known whether it is the last of its key.
  private final VersionStack held;

  private long upper;
  private long middle;
  private long lower;
  private int changes;
  private long changedBytes;

  AllVersions(MergeOutput output, Materializer materializer) {
    this.output = output;
    this.materializer = materializer;
    held = new VersionStack(materializer.memory());
  }

  @Override
  public void add(LayerCursor version) throws IOException {
    if (changedBytes > Materializer.LONG_CHAIN) {
      writeImage();
      startChain();
    }
    writeHeld();
    upper = version.upper();
    middle = version.middle();
    lower = version.lower();
    held.push(
        version.lsn(),
        version.image(),
        version.initializes(),
        version.memory(),
        version.offset(),
        version.length());
    if (version.initializes()) {
      startChain();
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
          held.buffer(0),
          held.offset(0),
          held.length(0));
      held.clear();
    }
  }

  /// Puts an image in the place of the held version, if one can be made.
  private void writeImage() throws IOException {
    if (materializer.make(upper, middle, lower, held.lsn(0))) {
      MemorySegment page = materializer.page();
      output.add(upper, middle, lower, held.lsn(0), true, true, page, 0, PageBuilder.PAGE_BYTES);
      held.clear();
    }
  }

  private void startChain() {
    changes = 0;
    changedBytes = 0;
  }

  @Override
  public void endKey() throws IOException {
    if (Materializer.isWorthwhile(changes, changedBytes)) {
      writeImage();
    }
    writeHeld();
    startChain();
  }

  @Override
  public void close() {
    held.clear();
  }
}
