package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.PageVersion;
import java.lang.foreign.MemorySegment;

/// Collects all versions of one key over some LSNs.
final class KeyHistory implements VersionCollector {

  private final VersionStack versions;
  private final long from;

  private KeyHistory(long from, ChainMemory memory) {
    this.from = from;
    versions = new VersionStack(memory);
  }

  /// @param memory for long chains of changes
  /// @param check done before versions are handed over: it throws when they don't count
  static void run(
      PageReader reader,
      ChainMemory memory,
      Key key,
      long from,
      long to,
      Runnable check,
      HistorySink sink) {
    var history = new KeyHistory(from, memory);
    try {
      reader.walk(key.upper(), key.middle(), key.lower(), to, history, null);
      check.run();
      history.handOver(sink);
    } finally {
      history.versions.clear();
    }
  }

  @Override
  public long floor() {
    return from;
  }

  @Override
  public boolean add(long lsn, boolean image, boolean initializes, MemorySegment bytes) {
    versions.push(lsn, image, initializes, bytes, 0, (int) bytes.byteSize());
    return false;
  }

  private void handOver(HistorySink sink) {
    versions.order();
    for (int i = versions.count() - 1; i >= 0; i--) {
      MemorySegment bytes = versions.bytes(i);
      sink.version(
          versions.lsn(i),
          versions.isImage(i)
              ? new PageVersion.Image(bytes)
              : new PageVersion.Change(bytes, versions.initializes(i)));
    }
  }
}
