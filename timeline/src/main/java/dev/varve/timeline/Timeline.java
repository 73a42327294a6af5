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
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/// One history of a data directory: every version of every page from its start, or, before its
/// branch point, its ancestor's.
///
/// Any thread may call any method. Reads take no lock; there is one writer at a time ({@link
/// #ingest()}). A thread that is interrupted while it waits gets {@link
/// PageserverException.Unavailable}, and stays interrupted.
public final class Timeline {

  private final TimelineIdentity identity;
  private final Shared shared;
  private final BackPressure backPressure;
  private final DurableIndex index;
  private final PageReader reader;
  private final Reads reads;
  private final TimelineMetrics metrics;
  private final OpenLayer open;
  private final Flush flush;
  private final Compaction compaction;
  private final GarbageCollection garbage;
  private final Upkeep upkeep;
  private volatile @Nullable Timeline ancestor;
  private final AtomicBoolean hasWriter = new AtomicBoolean();

  Timeline(
      TimelineIdentity identity,
      DurableIndex index,
      PageReader reader,
      @Nullable Timeline ancestor,
      BackPressure backPressure,
      Shared shared) {
    this.identity = identity;
    this.ancestor = ancestor;
    this.index = index;
    this.reader = reader;
    this.backPressure = backPressure;
    this.shared = shared;
    metrics = reader.metrics();
    PageRedo redo = shared.model().redo().apply(identity.pgVersion());
    reads = new Reads(this, reader, redo, shared);
    Lsn durable = index.head().diskConsistentLsn();
    boolean fresh = identity.ancestor().isEmpty() && !index.head().imported();
    long start = fresh ? identity.start().value() : durable.value() + 1;
    open = new OpenLayer(reader.maps(), reader.lastRecord(), shared, start);
    flush = new Flush(this, index, reader.maps(), open, shared);
    compaction = new Compaction(this, index, reader, redo, shared);
    garbage = new GarbageCollection(this, index, shared);
    upkeep = new Upkeep(this, open, shared);
    index.setUploads(Uploads.of(this, index, shared));
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
    return condition().state(index.head().imported());
  }

  /// Up to where everything has been taken in; what reads may ask for at most.
  public Lsn lastRecordLsn() {
    return new Lsn(reader.lastRecord().get());
  }

  /// Up to where everything is durable here; a source of WAL may forget what is before.
  public Lsn diskConsistentLsn() {
    return index.head().diskConsistentLsn();
  }

  /// The earliest LSN that a read may ask for; {@link Lsn#MAX} during the import. Before its branch
  /// point a timeline has no more history than its ancestor has.
  public Lsn readableFrom() {
    return garbage.readableFrom();
  }

  /// Whether history goes back to this LSN, or it is kept for a lease.
  public boolean isReadable(Lsn lsn) {
    return garbage.isReadable(lsn);
  }

  /// What is promised to stay readable, whatever the GC cutoff.
  public List<Lease> leases() {
    return index.head().leases();
  }

  /// Keeps the timeline readable as of an LSN for a while, also after a restart; again, it makes
  /// the lease longer.
  ///
  /// @throws PageserverException.InvalidRequest when that history is gone already
  public Lease lease(Lsn lsn, Duration length) {
    reads.requireReadable(lsn);
    return garbage.lease(lsn, length);
  }

  /// Keeps the timeline readable as of an LSN until it is closed.
  ///
  /// @throws PageserverException.InvalidRequest when that history is gone already
  public Hold hold(Lsn lsn) {
    reads.requireReadable(lsn);
    return garbage.hold(lsn);
  }

  /// Moves the GC cutoff as far as the settings say; what nothing needs any more is dropped in the
  /// background, when it is worth while.
  ///
  /// @throws PageserverException.Unavailable when the new cutoff can't be made durable
  public void collectGarbage() {
    upkeep.glance(() -> {
      if (garbage.run()) {
        compaction.wake();
      }
    });
  }

  /// Lets go of what is in memory of its layer files, unless somebody uses it just now; whoever
  /// needs them next has them looked up again. Happens by itself after a while.
  ///
  /// @throws PageserverException.Unavailable when the server shuts down, or the thread is
  ///   interrupted
  public void rest() {
    upkeep.rest();
  }

  /// Does something that may read, and lets the timeline {@link #rest} after if it did before.
  public void glance(Runnable look) {
    upkeep.glance(look);
  }

  /// Why no layers are merged at present, a sentence; null: nothing is in the way.
  public @Nullable String compactionSuspended() {
    return compaction.suspended();
  }

  /// Has all layer files merged, and all history dropped that may be, in the background.
  public void compact() {
    condition().requireRunning();
    compaction.wakeForEverything();
  }

  /// Bytes of this timeline's own layer files.
  public long layerBytes() {
    return index.head().layers().bytes();
  }

  /// How many layer files this timeline has itself.
  public int layerCount() {
    return index.head().layers().count();
  }

  /// How many of them have each level, from 0 on.
  public int[] layersByLevel() {
    return index.head().layers().byLevel().stream().mapToInt(Integer::intValue).toArray();
  }

  /// Bytes that are in memory only.
  public long memoryBytes() {
    return openBytes() + reader.maps().peek().frozenBytes();
  }

  /// Layer files that were found damaged: reads that need one fail, all others don't notice.
  public List<DamagedFile> damagedFiles() {
    return condition().damaged().list();
  }

  /// What it has done since it was opened.
  public TimelineMetrics metrics() {
    return metrics;
  }

  /// How far it is in the object store; empty: there is none.
  public Optional<UploadState> uploadState() {
    return Optional.ofNullable(index.uploads()).map(Uploads::state);
  }

  /// Waits until everything up to `lsn` has been taken in.
  ///
  /// @throws PageserverException.Unavailable at the timeout, naming both LSNs
  public void awaitLsn(Lsn lsn, Duration timeout) {
    condition().requireRunning();
    reader.lastRecord().await(lsn.value(), timeout, shared.tasks());
  }

  /// Writes the page as of `lsn`, with what happened at `lsn` in it, into `target`.
  ///
  /// @param target 8192 bytes; undefined after an exception
  /// @throws PageserverException.Unavailable when that LSN has not been taken in yet
  /// @throws PageserverException.InvalidRequest when it is before {@link #readableFrom()}
  /// @throws PageserverException.NotFound when no version exists
  /// @throws PageserverException.DataCorrupted when what is stored can't be right
  public void page(Key key, Lsn lsn, MemorySegment target) {
    reads.page(key, lsn, target);
  }

  /// Writes many pages as of one LSN, each as {@link #page} would: the first key's at the beginning
  /// of `target`, the next 8192 bytes after, and so on. Neighbours among them, in whatever order,
  /// are read from files together.
  ///
  /// @param target 8192 bytes for each key; where a key has failed they are undefined
  /// @param failures is told of keys that {@link #page} would throw for, and why; the others are
  ///   read nevertheless
  /// @throws PageserverException when nothing can be read as of this LSN, as {@link #page} does
  public void pages(List<Key> keys, Lsn lsn, MemorySegment target, PageFailures failures) {
    reads.pages(keys, lsn, target, failures);
  }

  /// A value that is stored in images only, such as metadata. Fails as {@link #page} does.
  ///
  /// @return null when there is none, or when the newest is a tombstone: an empty image
  public byte @Nullable [] value(Key key, Lsn lsn) {
    return reads.value(key, lsn);
  }

  /// Whether a key has a value as of an LSN that merges keep readable: one at the GC cutoff or
  /// later, a branch point or a leased one.
  public boolean has(Key key, Lsn lsn) {
    return reader.value(key, lsn.value()) != null;
  }

  /// Hands over the value of every key of the range that has one as of `lsn`, as {@link #value}
  /// would give it, in the order of the keys. For keys whose versions are images.
  public void scan(KeyRange keys, Lsn lsn, ScanSink sink) {
    reads.scan(keys, lsn, sink);
  }

  /// Hands over the versions of one key with `from <= LSN <= to`, oldest first.
  public void history(Key key, Lsn from, Lsn to, HistorySink sink) {
    reads.history(key, from, to, sink);
  }

  /// Becomes the writer, which continues after {@link #lastRecordLsn()}.
  ///
  /// @throws PageserverException.Conflict while there is another writer
  public Ingest ingest() {
    condition().requireRunning();
    if (!hasWriter.compareAndSet(false, true)) {
      throw new PageserverException.Conflict(
          "timeline \"" + name() + "\" is being written already");
    }
    return new Ingest(
        this, open, reader.lastRecord(), backPressure, new Slowing(this, open, shared));
  }

  void writerClosed() {
    hasWriter.set(false);
  }

  boolean hasWriter() {
    return hasWriter.get();
  }

  /// Begins to take in page images as of `lsn`, which no later version precedes: where the timeline
  /// starts, or, for a record that copies a whole database, the LSN of that record, after {@link
  /// #lastRecordLsn()} still. Then the images are readable when the writer has advanced to it;
  /// after a crash before that the record comes again, and its images with it.
  public ImageLoad imageLoad(Lsn lsn) {
    condition().requireRunning();
    return new ImageLoad(this, index, backPressure, shared, lsn);
  }

  /// Ends the import: all that was taken in so far is durable on return, and reads may ask for
  /// `readableFrom` and later.
  public void markImported(Lsn readableFrom) {
    checkpoint();
    index.change("the import of \"" + name() + "\"", part -> part.withImported(readableFrom));
  }

  /// Makes everything that has been taken in by now durable. Not for the writer within a record.
  ///
  /// @throws PageserverException.Unavailable when that fails; it will be tried again
  public void checkpoint() {
    checkpoint(Instant.MAX);
  }

  /// @param deadline when to give up
  void checkpoint(Instant deadline) {
    new Checkpoint(this, open, shared).await(deadline);
  }

  /// Has the open layer frozen as soon as its writer is between records, and flushed.
  void requestFreeze() {
    open.requestFreeze();
    flush.wake();
  }

  /// Ends all that goes on here: writers, readers that wait, the flush. Layers are closed when
  /// their last reader is done. What is not on disk is lost.
  void close() throws InterruptedException {
    condition().setClosed();
    reader.lastRecord().end("timeline \"" + name() + "\" is closed");
    shared.progress().fire();
    compaction.task().cancel();
    flush.task().cancel();
    flush.close();
    compaction.close();
    Uploads uploads = index.uploads();
    if (uploads != null) {
      uploads.close();
    }
    index.close();
  }

  Condition condition() {
    return reader.condition();
  }

  PageReader reader() {
    return reader;
  }

  Flush flush() {
    return flush;
  }

  Compaction compaction() {
    return compaction;
  }

  GarbageCollection garbage() {
    return garbage;
  }

  /// The timeline that this one was branched from.
  @Nullable Timeline ancestorTimeline() {
    return ancestor;
  }

  /// The ancestor was loaded anew. For a timeline that has one already.
  void setAncestor(Timeline loaded) {
    if (ancestor != null) {
      ancestor = loaded;
      reader.setAncestor(loaded.reader());
    }
  }

  Reads reads() {
    return reads;
  }

  Upkeep upkeep() {
    return upkeep;
  }

  DurableIndex index() {
    return index;
  }

  long openBytes() {
    return open.bytes();
  }

  @Override
  public String toString() {
    return name();
  }
}
