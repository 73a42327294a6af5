package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// The single writer of a timeline. Of one thread at a time; nothing is allocated per call.
///
/// What belongs to one LSN is put with {@link #image} and {@link #change}; {@link #advance} then
/// makes it visible, all at once. A writer that is closed before it advances forgets what it put
/// since it last did.
@SuppressWarnings("DoNotCallSuggester")
public final class Ingest implements AutoCloseable {

  Ingest() {}

  /// Stores a whole value: a page, or another kind of value; empty: a tombstone.
  ///
  /// @param lsn after the last {@link #advance}
  public void image(
      long upper, long middle, long lower, long lsn, MemorySegment bytes, long offset, int length) {
    throw new UnsupportedOperationException();
  }

  /// Stores what happens to a page.
  ///
  /// @param initializes whether redo can begin with it
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length) {
    throw new UnsupportedOperationException();
  }

  /// Everything up to `lsn` is in: makes it visible. Between two LSNs is also where the open layer
  /// is frozen, and where the writer waits when the disk, or memory, does not keep up.
  public void advance(long lsn) {
    throw new UnsupportedOperationException();
  }

  /// The newest value of a key that is stored in images only, including one put since the last
  /// {@link #advance}; null when there is none or it is a tombstone.
  public byte @Nullable [] value(Key key) {
    throw new UnsupportedOperationException();
  }

  /// Reads a page as of the last {@link #advance}, as {@link Timeline#page} does, but also before
  /// {@link Timeline#readableFrom()}: for records that copy pages, which may come during an import.
  ///
  /// @param target 8192 bytes; undefined after an exception
  public void page(Key key, MemorySegment target) {
    throw new UnsupportedOperationException();
  }

  /// Scans as {@link Timeline#scan} does, as of the last {@link #advance}, but also before {@link
  /// Timeline#readableFrom()}.
  public void scan(KeyRange keys, ScanSink sink) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
