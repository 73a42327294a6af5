package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One history of a data directory: every version of every page from its start, or, before its
/// branch point, its ancestor's.
///
/// Any thread may call any method. Reads take no lock; there is one writer at a time ({@link
/// #ingest()}).
@SuppressWarnings("DoNotCallSuggester")
public final class Timeline {

  private final TimelineIdentity identity;

  Timeline(TimelineIdentity identity) {
    this.identity = identity;
  }

  public TimelineIdentity identity() {
    return identity;
  }

  public TenantId tenant() {
    return identity.tenant();
  }

  public TimelineId id() {
    return identity.id();
  }

  public String name() {
    return identity.name();
  }

  /// PostgreSQL's major version.
  public int pgVersion() {
    return identity.pgVersion();
  }

  public Optional<TimelineId> ancestor() {
    return identity.ancestor();
  }

  /// The branch point; for a timeline without an ancestor, zero.
  public Lsn ancestorLsn() {
    return identity.ancestor().isPresent() ? identity.start() : Lsn.ZERO;
  }

  public Instant created() {
    return identity.created();
  }

  public TimelineState state() {
    throw new UnsupportedOperationException();
  }

  /// Up to where everything has been taken in; what reads may ask for at most.
  public Lsn lastRecordLsn() {
    throw new UnsupportedOperationException();
  }

  /// Up to where everything is durable here; a source of WAL may forget what is before.
  public Lsn diskConsistentLsn() {
    throw new UnsupportedOperationException();
  }

  /// The earliest LSN that a read may ask for.
  public Lsn readableFrom() {
    throw new UnsupportedOperationException();
  }

  /// Bytes of this timeline's own layer files.
  public long layerBytes() {
    throw new UnsupportedOperationException();
  }

  /// Waits until everything up to `lsn` has been taken in.
  ///
  /// @throws PageserverException.Unavailable at the timeout, naming both LSNs
  public void awaitLsn(Lsn lsn, Duration timeout) {
    throw new UnsupportedOperationException();
  }

  /// Writes the page as of `lsn`, with what happened at `lsn` in it, into `target`.
  ///
  /// @param target 8192 bytes; undefined after an exception
  /// @throws PageserverException.Unavailable when that LSN has not been taken in yet
  /// @throws PageserverException.InvalidRequest when it is before {@link #readableFrom()}
  /// @throws PageserverException.NotFound when no version exists
  /// @throws PageserverException.DataCorrupted when what is stored can't be right
  public void page(Key key, Lsn lsn, MemorySegment target) {
    throw new UnsupportedOperationException();
  }

  /// A value that is stored in images only, such as metadata.
  ///
  /// @return null when there is none, or when the newest is a tombstone: an empty image
  public byte @Nullable [] value(Key key, Lsn lsn) {
    throw new UnsupportedOperationException();
  }

  /// Hands over the value of every key of the range that has one as of `lsn`, as {@link #value}
  /// would give it, in the order of the keys. For keys whose versions are images.
  public void scan(KeyRange keys, Lsn lsn, ScanSink sink) {
    throw new UnsupportedOperationException();
  }

  /// Hands over all versions of one key with `from <= lsn <= to`, as they are stored, oldest first.
  public void history(Key key, Lsn from, Lsn to, HistorySink sink) {
    throw new UnsupportedOperationException();
  }

  /// Becomes the writer, which continues after {@link #lastRecordLsn()}.
  ///
  /// @throws PageserverException.Conflict while there is another writer
  public Ingest ingest() {
    throw new UnsupportedOperationException();
  }

  /// Begins to take in page images as of `lsn`, which no later version precedes: where the timeline
  /// starts, or, for a record that copies a whole database, the LSN of that record, after {@link
  /// #lastRecordLsn()} still. Then the images are readable when the writer has advanced to it;
  /// after a crash before that the record comes again, and its images with it.
  public ImageLoad imageLoad(Lsn lsn) {
    throw new UnsupportedOperationException();
  }

  /// Ends the import: all that was taken in so far is durable on return, and reads may ask for
  /// `readableFrom` and later.
  public void markImported(Lsn readableFrom) {
    throw new UnsupportedOperationException();
  }

  /// Makes everything that has been taken in by now durable.
  ///
  /// @throws PageserverException.Unavailable when that fails; it will be tried again
  public void checkpoint() {
    throw new UnsupportedOperationException();
  }
}
