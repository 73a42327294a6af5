package dev.varve.verify;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.control.ServerParameters;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.record.XlogRecord;
import dev.varve.postgres.wal.FullPageImage;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Compares the pages of each record with what the record says of them:
///
/// * An image that is there for this (`wal_consistency_checking`) is the page after the record.
/// * So is a full-page image, which is put in the page's place: where the record has all that redo
///   needs, redo is tried on the page as it was, and must come to the same.
///
/// PostgreSQL's masks blank what may differ ({@link PageMask}). After a mismatch the image is the
/// page, so that each record is judged alone. Of one thread. Hot: a record allocates nothing but
/// its keys.
final class Judge implements WalIngest.Witness {

  private static final int MOST_BLOCKS = 33;

  /// LSN and checksum.
  private static final int UNCOMPARED = 10;

  private final ReplayStore store;
  private final PageRedoer redo;
  private final Findings findings;
  private final long from;
  private final long to;
  private boolean consistent;
  private final MemorySegment ours = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final MemorySegment theirs = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final MemorySegment[] before = new MemorySegment[MOST_BLOCKS];
  private final boolean[] hasBefore = new boolean[MOST_BLOCKS];

  private final MapsWithoutBits withoutBits = new MapsWithoutBits();
  private final Leftovers leftovers = new Leftovers();

  private Findings.Count count;
  private boolean minimal;
  private Lsn start = Lsn.ZERO;
  private boolean judging;

  /// Does to a page what a record says besides its image.
  interface PageRedoer {
    void apply(WalRecord record, int block, Key key, MemorySegment page);
  }

  /// @param level the base's `wal_level`
  /// @param consistent whether the base is of one moment; if not, pages may be newer than the log,
  ///   or gone, until the end of the backup
  /// @param from records that begin before are replayed and not judged
  /// @param to records that begin there or later neither
  Judge(
      ReplayStore store,
      PageRedoer redo,
      Findings findings,
      int level,
      boolean consistent,
      Lsn from,
      Lsn to) {
    this.minimal = level == ServerParameters.MINIMAL;
    this.store = store;
    this.redo = redo;
    this.findings = findings;
    this.consistent = consistent;
    this.from = from.value();
    this.to = to.value();
    for (int i = 0; i < MOST_BLOCKS; i++) {
      before[i] = MemorySegment.ofArray(new byte[Page.SIZE]);
    }
    count = findings.of(ResourceManager.XLOG.id(), RecordType.XLOG_NOOP);
  }

  /// The backup has ended: from here on every page is what the log says.
  void setConsistent() {
    consistent = true;
  }

  /// Visibility map pages of whose bits the log has told nothing so far.
  MapsWithoutBits mapsWithoutBits() {
    return withoutBits;
  }

  /// Files that the log may not tell the end of.
  Leftovers leftovers() {
    return leftovers;
  }

  /// PostgreSQL's own recovery refuses such a log, too.
  private void requireWholeLog(WalRecord record) {
    if (record.rmgr() == ResourceManager.XLOG.id()
        && (record.info() & RecordType.MASK) == RecordType.XLOG_PARAMETER_CHANGE
        && XlogRecord.read(record) instanceof XlogRecord.ParameterChange change) {
      minimal = change.parameters().walLevel() == ServerParameters.MINIMAL;
    } else if (minimal && record.blockCount() > 0) {
      throw new PageserverException.Unsupported(
          ("the record at %s was written under wal_level = minimal, which leaves out of the log"
                  + " what is put into new tables")
              .formatted(new Lsn(record.startLsn())));
    }
  }

  @Override
  public void before(WalRecord record) {
    requireWholeLog(record);
    judging =
        Long.compareUnsigned(record.startLsn(), from) >= 0
            && Long.compareUnsigned(record.startLsn(), to) < 0;
    count = findings.of(record.rmgr(), record.info());
    start = new Lsn(record.startLsn());
    if (!judging) {
      return;
    }
    count.seen++;
    for (int i = 0; i < record.blockCount(); i++) {
      hasBefore[i] = record.hasImage(i) && record.imageApplies(i) && keepBefore(record, i);
    }
  }

  private boolean keepBefore(WalRecord record, int i) {
    if (!consistent || !FullImages.areComparable(record, i)) {
      return false;
    }
    if (!store.covers(DirectoryKeys.block(record, i))) {
      return false; // what is there was cut off, or of another relation
    }
    MemorySegment page = store.page(DirectoryKeys.block(record, i));
    if (page == null || Page.isNew(page) || FullImages.isSequence(page)) {
      return false;
    }
    MemorySegment.copy(page, 0, before[i], 0, Page.SIZE);
    return true;
  }

  /// Before the backup's end a page that redo can't change may be one that is gone later.
  private void judgeFailures() {
    for (ReplayStore.Failure failure : store.failures()) {
      if (judging && failure.reason() instanceof PageserverException.Unsupported) {
        count.unknown++;
      } else if (judging && consistent) {
        mismatch(failure.key(), failure.lsn(), List.of(failure.reason().getMessage()));
      }
    }
    store.failures().clear();
  }

  private void mismatch(Key key, long lsn, List<String> difference) {
    findings.mismatch(count, start, new Lsn(lsn), key, difference);
  }

  @Override
  public void after(WalRecord record) {
    if (!store.failures().isEmpty()) {
      judgeFailures();
    }
    withoutBits.record(record);
    leftovers.record(record);
    for (int i = 0; i < record.blockCount(); i++) {
      Key key = DirectoryKeys.block(record, i);
      findings.changed(record, key);
      if (!record.hasImage(i)) {
        count.unchecked += judging && !store.isBroken(key) ? 1 : 0;
      } else if (record.imageApplies(i)) {
        withoutBits.restored(record, i, key);
        compareFullImage(record, i, key);
      } else {
        compareWithOracle(record, i, key);
      }
    }
  }

  private void compareFullImage(WalRecord record, int i, Key key) {
    if (!judging) {
      return;
    }
    if (!hasBefore[i]) {
      count.unchecked++;
      return;
    }
    MemorySegment page = before[i];
    count.images++;
    try {
      if (FullImages.hasChange(record)) {
        redo.apply(record, i, key, page);
      }
    } catch (PageserverException.Unsupported e) {
      return; // counted where redo is needed
    } catch (PageserverException.DataCorrupted e) {
      mismatch(key, record.endLsn(), List.of(e.getMessage()));
      return;
    }
    FullPageImage.restore(record, i, theirs);
    requireEqual(record, i, key, page);
  }

  private void compareWithOracle(WalRecord record, int i, Key key) {
    boolean lacksBits = record.fork(i) == RelationFork.VISIBILITY_MAP && withoutBits.shown(key);
    MemorySegment page = lacksBits ? null : store.page(key);
    if (page != null && !consistent && Long.compareUnsigned(Page.lsn(page), record.endLsn()) > 0) {
      return; // it was copied later
    }
    FullPageImage.restore(record, i, theirs);
    if (page != null && judging) {
      count.checked++;
    } else if (lacksBits && judging) {
      count.unchecked++;
    }
    if (page == null || (judging && !requireEqual(record, i, key, page))) {
      FullPageImage.restore(record, i, theirs);
      Page.setLsn(theirs, record.endLsn());
      store.replace(key, theirs);
    }
  }

  /// Compares the page with the image in `theirs`, which is worthless then. Most differ in hints
  /// alone, or not at all; only of others masked copies are made.
  private boolean requireEqual(WalRecord record, int i, Key key, MemorySegment page) {
    if (MemorySegment.mismatch(page, UNCOMPARED, Page.SIZE, theirs, UNCOMPARED, Page.SIZE) < 0) {
      return true;
    }
    if (isHeap(record, i)) {
      if (PageMask.areEqualHeaps(page, theirs)) {
        return true;
      }
      FullPageImage.restore(record, i, theirs);
    }
    MemorySegment.copy(page, 0, ours, 0, Page.SIZE);
    String damage = mask(record, i);
    if (damage == null && ours.mismatch(theirs) < 0) {
      return true;
    }
    List<String> difference =
        damage == null
            ? PageDifference.of(ours, theirs, key.fork(), key.block())
            : List.of("the page can't be compared: " + damage);
    mismatch(key, record.endLsn(), difference);
    return false;
  }

  private static boolean isHeap(WalRecord record, int i) {
    int rmgr = record.rmgr();
    return record.fork(i) == RelationFork.MAIN
        && (rmgr == ResourceManager.HEAP.id() || rmgr == ResourceManager.HEAP2.id());
  }

  private @Nullable String mask(WalRecord record, int i) {
    if (record.fork(i) == RelationFork.VISIBILITY_MAP) {
      PageMask.lsnAndChecksum(ours);
      PageMask.lsnAndChecksum(theirs);
      // A backend clears a bit before its record is written: another's image may lack it.
      VisibilityBits.addMissing(theirs, ours);
      return null;
    }
    try {
      if (FullImages.hasChange(record)) {
        PageMask.byManager(record.rmgr(), ours, record.block(i));
        PageMask.byManager(record.rmgr(), theirs, record.block(i));
      } else {
        // An image of a page of any kind.
        PageMask.byLooks(ours, record.block(i));
        PageMask.byLooks(theirs, record.block(i));
      }
      return null;
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      return e.getMessage();
    }
  }
}
