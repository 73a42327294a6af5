package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/// Keeps what reads as of some LSNs need, and of what comes after the last of them, the cutoff,
/// everything.
///
/// A chain is a version to begin with and the changes after it. At each LSN to keep the chain that
/// leads there is written, as an image if it is long; a chain that ends before the next such LSN
/// with another version to begin with is dropped, and so is one of a key that nobody asks for.
final class NeededVersions implements KeptVersions {

  private final MergeOutput output;
  private final Materializer materializer;
  private final long[] points;
  private final boolean nothingBefore;
  private final BiFunction<Key, Lsn, KeyRules.Verdict> verdicts;

  /// For each point what was said last; it holds up to the key with it.
  private final KeyRules.@Nullable Verdict[] known;

  /// The chain, as far as it is not written: from the oldest on.
  private final VersionStack pending;

  private long pendingBytes;
  private int pendingChanges;
  private int point;
  private boolean anyWritten;
  private long upper;
  private long middle;
  private long lower;

  NeededVersions(MergeOutput output, Materializer materializer, MergePlan.Retention retention) {
    this.output = output;
    this.materializer = materializer;
    pending = new VersionStack(materializer.memory());
    points = retention.points().stream().mapToLong(Lsn::value).toArray();
    nothingBefore = retention.first();
    verdicts = retention.verdicts();
    known = new KeyRules.Verdict[points.length];
  }

  @Override
  public void add(LayerCursor version) throws IOException {
    long lsn = version.lsn();
    upper = version.upper();
    middle = version.middle();
    lower = version.lower();
    if (point < points.length && Long.compareUnsigned(points[point], lsn) < 0) {
      writeChain();
      while (point < points.length && Long.compareUnsigned(points[point], lsn) < 0) {
        point++;
      }
    }
    if (point == points.length) {
      write(
          lsn,
          version.image(),
          version.initializes(),
          version.memory(),
          version.offset(),
          version.length());
      return;
    }
    if (version.initializes()) {
      forgetChain();
    }
    pending.push(
        lsn,
        version.image(),
        version.initializes(),
        version.memory(),
        version.offset(),
        version.length());
    pendingBytes += version.length();
    pendingChanges += version.image() ? 0 : 1;
    if (pendingBytes > Materializer.LONG_CHAIN && pendingChanges > 1) {
      shorten();
    }
  }

  /// Puts an image in the place of the chain; as of its last version nothing is dropped yet. If
  /// none can be made, the chain is written though it may not be needed: memory is bounded.
  private void shorten() throws IOException {
    long lsn = pending.lsn(pending.count() - 1);
    if (materializer.make(upper, middle, lower, lsn)) {
      forgetChain();
      pending.push(lsn, true, true, materializer.page(), 0, PageBuilder.PAGE_BYTES);
      pendingBytes = PageBuilder.PAGE_BYTES;
    } else {
      writePending();
    }
  }

  @Override
  public void endKey() throws IOException {
    if (point < points.length) {
      if (!isTombstone() && !isDropped()) {
        writeChain();
      }
    }
    forgetChain();
    point = 0;
    anyWritten = false;
  }

  /// Whether all that is left says that the key is not there.
  private boolean isTombstone() {
    return nothingBefore
        && !anyWritten
        && pending.count() == 1
        && pending.isImage(0)
        && pending.length(0) == 0;
  }

  /// Whether nobody asks for the key any more as of the points that are left.
  private boolean isDropped() {
    for (int i = point; i < points.length; i++) {
      KeyRules.Verdict verdict = known[i];
      Key end = verdict == null ? Key.MIN : verdict.end();
      boolean holds = Key.compare(upper, middle, lower, end.upper(), end.middle(), end.lower()) < 0;
      if (verdict == null || !holds) {
        verdict = verdicts.apply(Key.of(upper, middle, lower), new Lsn(points[i]));
        known[i] = verdict;
      }
      if (!verdict.dropped()) {
        return false;
      }
    }
    return true;
  }

  private void forgetChain() {
    pending.clear();
    pendingBytes = 0;
    pendingChanges = 0;
  }

  private void writeChain() throws IOException {
    int count = pending.count();
    if (count == 0) {
      return;
    }
    long last = pending.lsn(count - 1);
    if (Materializer.isWorthwhile(pendingChanges, pendingBytes)
        && materializer.make(upper, middle, lower, last)) {
      write(last, true, true, materializer.page(), 0, PageBuilder.PAGE_BYTES);
      forgetChain();
    } else {
      writePending();
    }
  }

  private void writePending() throws IOException {
    for (int i = 0; i < pending.count(); i++) {
      write(
          pending.lsn(i),
          pending.isImage(i),
          pending.initializes(i),
          pending.buffer(i),
          pending.offset(i),
          pending.length(i));
    }
    forgetChain();
  }

  private void write(
      long lsn, boolean image, boolean initializes, MemorySegment bytes, long offset, int length)
      throws IOException {
    output.add(upper, middle, lower, lsn, image, initializes, bytes, offset, length);
    anyWritten = true;
  }

  @Override
  public void close() {
    forgetChain();
  }
}
