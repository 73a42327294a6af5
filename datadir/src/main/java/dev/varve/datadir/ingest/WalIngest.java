package dev.varve.datadir.ingest;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.record.CommitLogRecord;
import dev.varve.postgres.record.CommitTimestampRecord;
import dev.varve.postgres.record.DatabaseRecord;
import dev.varve.postgres.record.MultixactRecord;
import dev.varve.postgres.record.OriginRecord;
import dev.varve.postgres.record.RelationMapRecord;
import dev.varve.postgres.record.StorageRecord;
import dev.varve.postgres.record.TablespaceRecord;
import dev.varve.postgres.wal.RecordTooLargeException;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Takes WAL into a timeline, or another {@link VersionStore}: its writer, from its last record on.
///
/// The bytes come in any pieces, in order; each record becomes visible as a whole when {@link
/// #feed} returns, at the latest. A record that can't be taken in stops the ingest: all before it
/// stays, nothing after it comes in, and every further call fails in the same way. Pages of
/// resource managers that redo does not know are stored all the same.
///
/// Of one thread. Hot: a record that changes pages, or ends a transaction, allocates nothing.
public final class WalIngest implements AutoCloseable {

  /// After so many records they become visible, so that the open layer can be frozen between them.
  private static final int RECORDS_PER_PUBLICATION = 64;

  /// A record is held on the heap, and twice while its room grows: so it may take an eighth, which
  /// is a sixteenth of the server's memory for data. PostgreSQL's longest are 1 GiB, and hardly any
  /// but logical messages, which are not held, is above some MiB.
  static final int LARGEST_RECORD = (int) Math.min(Runtime.getRuntime().maxMemory() / 8, 1L << 30);

  private static final int MEMORY_FOR_RECORD = 16;

  /// Sees each record before anything of it is taken in, and after all of it is.
  public interface Witness {

    /// One that does not look.
    Witness NONE = new Witness() {};

    default void before(WalRecord record) {}

    default void after(WalRecord record) {}
  }

  private final VersionStore store;
  private final Witness witness;
  private final IngestState state;
  private final WalDecoder decoder;
  private final BlockReferences blocks;
  private final Transactions transactions;
  private final StorageChanges storage;
  private final Databases databases;
  private final Slrus slrus;
  private final ServerRecords server;
  private int unpublished;
  private @Nullable PageserverException failure;

  /// Becomes the timeline's writer.
  ///
  /// @throws PageserverException.Conflict while there is another writer
  /// @throws PageserverException.InvalidRequest when the timeline has no data directory yet
  public WalIngest(Timeline timeline) {
    this(new TimelineStore(timeline), Witness.NONE);
  }

  /// Becomes the store's writer.
  ///
  /// @param store closed with this, and when this can't be made
  /// @throws PageserverException.InvalidRequest when the store has no data directory yet
  public WalIngest(VersionStore store, Witness witness) {
    this.store = store;
    this.witness = witness;
    try {
      this.state = IngestState.load(store);
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
    PgVersion version = store.version();
    VersionWriter writer = state.writer();
    this.decoder =
        new WalDecoder(version, state.walSegmentSize(), writer.lsn())
            .expectTli(state.checkPoint().tli())
            .holdAtMost(LARGEST_RECORD);
    this.blocks = new BlockReferences(writer, state.relations());
    this.transactions = new Transactions(state, version);
    this.storage = new StorageChanges(writer, state.relations());
    this.databases =
        new Databases(
            writer, state.relations(), new DatabaseCopy(writer, state.relations()), version);
    this.slrus = new Slrus(writer, state.slrus(), state.checkPoint());
    this.server = new ServerRecords(state.checkPoint(), slrus);
  }

  /// Takes in a piece of the log. What has been taken in before is skipped; a gap is an error.
  ///
  /// @param lsn where in the log the piece begins
  /// @param bytes borrowed for the call
  /// @throws PageserverException.InvalidRequest when the piece begins after {@link #position()}
  /// @throws PageserverException.DataCorrupted when the log is damaged, or a record can't be taken
  ///   in; what came before is in
  /// @throws PageserverException.Unsupported when a record is too large for this server's memory
  public void feed(long lsn, MemorySegment bytes, long offset, long length) {
    if (failure != null) {
      throw failure;
    }
    long known = decoder.position() - lsn;
    if (known < 0) {
      throw new PageserverException.InvalidRequest(
          "WAL from %s on was offered to %s, which needs it from %s on"
              .formatted(Lsn.format(lsn), store.name(), position()));
    }
    if (known >= length) {
      return;
    }
    try {
      decoder.feed(bytes, offset + known, length - known, this::record);
    } catch (RecordTooLargeException e) {
      failure =
          new PageserverException.Unsupported(
              "%s; restart varve serve with --memory %dMiB or more"
                  .formatted(e.getMessage(), memoryFor(e.length())));
      throw failure;
    } catch (WalException e) {
      failure = new PageserverException.DataCorrupted(String.valueOf(e.getMessage()), e);
      throw failure;
    } catch (PageserverException e) {
      failure = e;
      throw e;
    } finally {
      state.writer().publish();
      unpublished = 0;
    }
  }

  /// The `--memory`, in MiB, that has room for a record; the launcher sets 256 MiB of it aside for
  /// the JVM.
  static long memoryFor(long recordBytes) {
    return (recordBytes >> 20) * MEMORY_FOR_RECORD + 32 + 256;
  }

  /// The next byte of the log that is needed.
  public Lsn position() {
    return new Lsn(decoder.position());
  }

  /// The end of the last record that is in.
  public Lsn lastRecord() {
    return new Lsn(state.writer().finished());
  }

  /// The PostgreSQL timeline that the last record was written on.
  public int tli() {
    return state.checkPoint().tli();
  }

  /// The end of the online backup that began at `start`, once its last record is in.
  ///
  /// @param start redo location of the checkpoint that the backup began with
  public Optional<Lsn> backupEnd(Lsn start) {
    return server.backupStart() == start.value() && server.backupEnd() != 0
        ? Optional.of(new Lsn(server.backupEnd()))
        : Optional.empty();
  }

  /// Whether the log ended with zero bytes where a record or a page must begin; then no more of it
  /// can be fed.
  public boolean ended() {
    return decoder.ended();
  }

  /// Stops being the writer. All that was taken in stays visible.
  @Override
  public void close() {
    store.close();
  }

  private void record(WalRecord record) {
    VersionWriter writer = state.writer();
    writer.begin(record.endLsn());
    try {
      witness.before(record);
      state.checkPoint().sawXid(record.xid());
      dispatch(record);
      if (decoder.tli() != state.checkPoint().tli()) {
        agree(record);
      }
      blocks.ingest(record);
      state.checkPoint().write();
      witness.after(record);
    } catch (WalException | IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new PageserverException.DataCorrupted(
          "%s ending at %s can't be taken into %s: %s"
              .formatted(
                  RecordType.name(record.version(), record.rmgr(), record.info()),
                  Lsn.format(record.endLsn()),
                  store.name(),
                  e.getMessage()),
          e);
    }
    writer.end();
    if (++unpublished == RECORDS_PER_PUBLICATION) {
      writer.publish();
      unpublished = 0;
    }
  }

  /// The log changes its PostgreSQL timeline by a record that says so; the page on which that
  /// happens may still be marked with the old one. A page of another without such a record is from
  /// a log that went its own way. Two records only may come between: a server that is promoted
  /// first notes what it lost of its last record, and its full-page writes.
  private void agree(WalRecord record) {
    int now = state.checkPoint().tli();
    int page = decoder.tli();
    if (Integer.compareUnsigned(page, now) < 0) {
      decoder.expectTli(now);
      return;
    }
    int type = record.info() & RecordType.MASK;
    boolean between =
        record.rmgr() == ResourceManager.XLOG.id()
            && (type == RecordType.XLOG_OVERWRITE_CONTRECORD || type == RecordType.XLOG_FPW_CHANGE);
    if (!between) {
      throw new IllegalArgumentException(
          "it is on a page of PostgreSQL timeline %s, and no record says that the log has left %s"
              .formatted(Integer.toUnsignedString(page), Integer.toUnsignedString(now)));
    }
    state.checkPoint().followTimeline(page, now);
  }

  /// What a record does besides changing the pages that it names.
  private void dispatch(WalRecord record) {
    switch (ResourceManager.of(record.rmgr())) {
      case XLOG -> server.ingestXlog(record);
      case TRANSACTION -> transactions.ingest(record);
      case STORAGE -> storage.ingest(StorageRecord.read(record));
      case CLOG -> slrus.ingest(CommitLogRecord.read(record));
      case DATABASE -> databases.ingest(DatabaseRecord.read(record));
      case TABLESPACE -> databases.ingest(TablespaceRecord.read(record));
      case MULTIXACT -> slrus.ingest(MultixactRecord.read(record));
      case RELATION_MAP -> databases.ingest(RelationMapRecord.read(record));
      case STANDBY -> server.ingestStandby(record);
      case COMMIT_TS -> slrus.ingest(CommitTimestampRecord.read(record));
      case REPLICATION_ORIGIN -> state.origins().ingest(OriginRecord.read(record));
      case HEAP2,
          HEAP,
          BTREE,
          HASH,
          GIN,
          GIST,
          SEQUENCE,
          SPGIST,
          BRIN,
          GENERIC,
          LOGICAL_MESSAGE,
          CUSTOM -> {}
    }
  }
}
