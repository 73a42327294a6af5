package dev.varve.datadir.ingest;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.VersionBytes;
import dev.varve.postgres.PgVersion;
import dev.varve.timeline.HistorySink;
import dev.varve.timeline.ScanSink;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Where ingest puts what records do, each at its LSN, and reads what it needs of it again: a
/// timeline ({@link TimelineStore}), or whatever else shall follow a log exactly as a timeline
/// does.
///
/// Of one thread. What belongs to one LSN comes in any order; {@link #advance} says that it is all.
public interface VersionStore extends AutoCloseable {

  /// Takes whole values.
  interface ImageTaker {
    void image(long upper, long middle, long lower, MemorySegment bytes, long offset, int length);
  }

  /// What people call it.
  String name();

  PgVersion version();

  /// Up to where everything is in when ingest begins.
  Lsn start();

  /// Stores a whole value: a page, or another kind of value; empty: a tombstone.
  void image(
      long upper, long middle, long lower, long lsn, MemorySegment bytes, long offset, int length);

  /// Stores what happens to a page, as {@link dev.varve.redo.ChangeWriter} wrote it, or one entry
  /// of a history.
  ///
  /// @param initializes whether redo can begin with it
  void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length);

  /// Stores what happens to a page, and has it written in place.
  ///
  /// @param most that many bytes are written at most
  void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      int most,
      VersionBytes bytes);

  /// Stores more images as of `lsn`, a record's, than should be kept in memory until the next
  /// {@link #advance}.
  ///
  /// @param source is called at once, and gives them
  void images(long lsn, Consumer<ImageTaker> source);

  /// Everything up to `lsn` is in.
  void advance(long lsn);

  /// The newest value, including what was put since the last {@link #advance}; null when there is
  /// none or it is a tombstone.
  byte @Nullable [] value(Key key);

  /// Reads a page as of the last {@link #advance}.
  ///
  /// @param target 8192 bytes; undefined after an exception
  void page(Key key, MemorySegment target);

  /// Hands over the values of a range as of the last {@link #advance}, in the order of the keys.
  void scan(KeyRange keys, ScanSink sink);

  /// Hands over all that was stored for a key up to the last {@link #advance}, oldest first.
  void history(Key key, HistorySink sink);

  @Override
  void close();
}
