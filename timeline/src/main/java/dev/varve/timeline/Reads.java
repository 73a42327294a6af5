package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What is read of a timeline, between two looks at whether it may be: before, so that what can't
/// be given is refused with a sentence, and after, since history may have been dropped meanwhile.
/// {@link Timeline} says what each method does. Any thread may call any method; a hot class.
final class Reads {

  private final Timeline timeline;
  private final PageReader reader;
  private final PageRedo redo;
  private final Shared shared;

  Reads(Timeline timeline, PageReader reader, PageRedo redo, Shared shared) {
    this.timeline = timeline;
    this.reader = reader;
    this.redo = redo;
    this.shared = shared;
  }

  BatchBuffers buffers() {
    return shared.batches();
  }

  void page(Key key, Lsn lsn, MemorySegment target) {
    requireReadable(lsn);
    try {
      pageAsIs(key, lsn, target);
    } catch (PageserverException.DataCorrupted | PageserverException.NotFound e) {
      requireStillReadable(lsn);
      throw e;
    }
    requireStillReadable(lsn);
  }

  /// Without a look at the GC cutoff: for the writer, which reads as of the last record.
  void pageAsIs(Key key, Lsn lsn, MemorySegment target) {
    PageBuilder builder = shared.builders().take();
    TimelineMetrics metrics = timeline.metrics();
    metrics.pagesRead.increment();
    try {
      reader.page(key, lsn, target, builder, redo);
      metrics.changesApplied.add(builder.changesApplied());
    } finally {
      shared.builders().giveBack(builder);
    }
  }

  void pages(List<Key> keys, Lsn lsn, MemorySegment target, PageFailures failures) {
    requireReadable(lsn);
    try {
      pagesAsTheyAre(keys, lsn, target, failures);
    } catch (PageserverException.DataCorrupted | PageserverException.NotFound e) {
      requireStillReadable(lsn);
      throw e;
    }
    requireStillReadable(lsn);
  }

  private void pagesAsTheyAre(
      List<Key> keys, Lsn lsn, MemorySegment target, PageFailures failures) {
    PageBuilder builder = shared.builders().take();
    timeline.metrics().pagesRead.add(keys.size());
    try (var batch = new BatchRead(reader, lsn, builder, redo)) {
      batch.run(keys, target, failures);
    } finally {
      shared.builders().giveBack(builder);
    }
  }

  byte @Nullable [] value(Key key, Lsn lsn) {
    requireReadable(lsn);
    byte[] value = reader.value(key, lsn.value());
    requireStillReadable(lsn);
    return value;
  }

  void scan(KeyRange keys, Lsn lsn, ScanSink sink) {
    requireReadable(lsn);
    Scan.run(reader, keys, lsn.value(), () -> requireStillReadable(lsn), sink);
  }

  void history(Key key, Lsn from, Lsn to, HistorySink sink) {
    requireReadable(to);
    history(key, from.value(), to.value(), () -> requireStillReadable(to), sink);
  }

  /// Without a look at the GC cutoff, but for `check`: before versions are handed over.
  void history(Key key, long from, long to, Runnable check, HistorySink sink) {
    KeyHistory.run(reader, shared.builders().memory(), key, from, to, check, sink);
  }

  void requireReadable(Lsn lsn) {
    reader.condition().requireRunning();
    if (!timeline.index().head().imported()) {
      throw new PageserverException.Unavailable(
          "timeline \"" + timeline.name() + "\" is still being imported");
    }
    requireHistory(lsn);
    if (Long.compareUnsigned(lsn.value(), reader.lastRecord().get()) > 0) {
      throw reader.lastRecord().late(lsn.value(), "");
    }
  }

  /// After a read: history may have been dropped meanwhile, and when a branch has gone, that of its
  /// ancestor that only it needed.
  private void requireStillReadable(Lsn lsn) {
    reader.condition().requireUsable();
    requireHistory(lsn);
  }

  private void requireHistory(Lsn lsn) {
    if (!timeline.isReadable(lsn)) {
      throw timeline.garbage().tooOld(lsn);
    }
  }
}
