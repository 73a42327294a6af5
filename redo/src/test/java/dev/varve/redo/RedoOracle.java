package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.record.HeapVisibility;
import dev.varve.postgres.record.StorageRecord;
import dev.varve.postgres.wal.FullPageImage;
import dev.varve.postgres.wal.RecordHandler;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// Replays a log through {@link ChangeWriter} and {@link Redo}, and compares every page with the
/// image of it that a server with `wal_consistency_checking = all` put into the record: the page as
/// that server had it. A page that differs is replaced by the image, so that the records after it
/// are judged alone.
final class RedoOracle implements RecordHandler {

  private static final int FREE_SPACE_MAP_FORK = 1;
  private static final int VISIBILITY_MAP_FORK = 2;
  private static final int CHANGE_BYTES = 1 << 20;

  /// {@link Redo#apply}, or something broken on purpose.
  interface Applier {
    void apply(Key key, long lsn, MemorySegment page, MemorySegment change);
  }

  private final OraclePages base;
  private final Applier redo;
  private final SlruOracle slrus;
  private final HeapVisibility visibility = new HeapVisibility();
  private final MemorySegment change = MemorySegment.ofArray(new byte[CHANGE_BYTES]);
  private final MemorySegment image = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final MemorySegment copy = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final Map<Key, MemorySegment> pages = new HashMap<>();
  private final Set<Key> broken = new HashSet<>();
  private final ChangeSampler sampler = new ChangeSampler();
  private final OracleReport report = new OracleReport();
  private String type = "";

  /// @param base the data directory as it was where the log begins
  RedoOracle(Applier redo, Path base) {
    this.base = new OraclePages(base);
    this.redo = redo;
    this.slrus = new SlruOracle(this);
  }

  /// The pages as redo has made them so far.
  Map<Key, MemorySegment> pages() {
    return pages;
  }

  OracleReport report() {
    report.samples = sampler.samples();
    return report;
  }

  @Override
  public void record(WalRecord record) {
    report.records++;
    type =
        RecordType.fullName(record.version(), record.rmgr(), record.info())
            + BtreePaths.kind(record)
            + RecordPaths.kind(record)
            + GinPaths.kind(record)
            + GistPaths.kind(record);
    for (int i = 0; i < record.blockCount(); i++) {
      replay(record, i);
    }
    clearVisibility(record);
    if (record.rmgr() == ResourceManager.STORAGE.id()
        && StorageRecord.read(record) instanceof StorageRecord.Truncate truncate) {
      truncate(truncate, record.endLsn());
    }
    slrus.record(record);
    for (int i = 0; i < record.blockCount(); i++) {
      compare(record, i);
    }
    sampler.forget();
  }

  private static Key key(WalRecord record, int i) {
    return new Key(
        OraclePages.RELATION,
        record.tablespace(i),
        record.database(i),
        record.relation(i),
        record.fork(i),
        record.block(i));
  }

  private void replay(WalRecord record, int i) {
    int length = ChangeWriter.write(record, i, change, 0);
    if (length > ChangeWriter.sizeBound(record, i)) {
      throw new AssertionError(type + " has a change of " + length + " bytes, beyond its bound");
    }
    apply(key(record, i), record.endLsn(), length, ChangeWriter.initializes(record, i));
  }

  /// Applies the change that has been written.
  void apply(Key key, long lsn, int length, boolean initializes) {
    if (initializes) {
      broken.remove(key);
    } else if (broken.contains(key)) {
      return;
    }
    MemorySegment page = page(key);
    sampler.before(type, key, lsn, change.asSlice(0, length), page);
    try {
      redo.apply(key, lsn, page, change.asSlice(0, length));
    } catch (PageserverException.Unsupported e) {
      report.count(report.unknown, type);
      broken.add(key);
    } catch (PageserverException.DataCorrupted e) {
      report.difference(type, String.valueOf(e.getMessage()));
      broken.add(key);
    }
  }

  MemorySegment change() {
    return change;
  }

  private MemorySegment page(Key key) {
    MemorySegment page = pages.get(key);
    if (page == null) {
      page = base.read(key);
      if (page == null) {
        page = MemorySegment.ofArray(new byte[Page.SIZE]);
      }
      pages.put(key, page);
    }
    return page;
  }

  private void clearVisibility(WalRecord record) {
    if (!visibility.parse(record)) {
      return;
    }
    clear(record, visibility.firstBlock());
    if (visibility.hasSecondBlock()) {
      clear(record, visibility.secondBlock());
    }
  }

  private void clear(WalRecord record, int heapBlock) {
    Key heap = key(record, visibility.blockEntry());
    int length = ChangeWriter.clearVisibility(heapBlock, -1, visibility.bits(), false, change, 0);
    apply(mapOf(heap, heapBlock), record.endLsn(), length, false);
  }

  private static Key mapOf(Key heap, int heapBlock) {
    return new Key(
        OraclePages.RELATION,
        heap.tablespace(),
        heap.database(),
        heap.relation(),
        VISIBILITY_MAP_FORK,
        Integer.divideUnsigned(heapBlock, VisibilityMapRedo.HEAP_BLOCKS_PER_PAGE));
  }

  private void truncate(StorageRecord.Truncate truncate, long lsn) {
    Key first =
        new Key(
            OraclePages.RELATION,
            truncate.tablespace(),
            truncate.database(),
            truncate.relation(),
            0,
            truncate.blocks());
    if (truncate.visibilityMap() && truncate.blocks() > 0) {
      Key map = mapOf(first, truncate.blocks());
      if (pages.containsKey(map) || base.read(map) != null) {
        int length = ChangeWriter.truncateVisibility(truncate.blocks(), change, 0);
        apply(map, lsn, length, false);
      }
    }
    for (Map.Entry<Key, MemorySegment> entry : pages.entrySet()) {
      Key key = entry.getKey();
      if (key.middle() == first.middle()
          && key.upper() == first.upper()
          && key.fork() == 0
          && Integer.compareUnsigned(key.block(), truncate.blocks()) >= 0) {
        entry.getValue().fill((byte) 0);
      }
    }
  }

  private void compare(WalRecord record, int i) {
    if (!record.hasImage(i)) {
      if (!broken.contains(key(record, i))) {
        report.count(report.unchecked, type);
      }
      return;
    }
    if (record.imageApplies(i)) {
      return;
    }
    Key key = key(record, i);
    MemorySegment page = page(key);
    FullPageImage.restore(record, i, image);
    if (!broken.contains(key)) {
      report.count(report.compared, type);
      if (isEqual(record, i, page)) {
        sampler.equal(key, page);
        return;
      }
    }
    FullPageImage.restore(record, i, page);
    Page.setLsn(page, record.endLsn());
    broken.remove(key);
  }

  private boolean isEqual(WalRecord record, int i, MemorySegment page) {
    MemorySegment.copy(page, 0, copy, 0, Page.SIZE);
    if (record.fork(i) == VISIBILITY_MAP_FORK) {
      // A backend clears a bit before its record is written: another's image may lack it.
      PageMask.lsnAndChecksum(copy);
      PageMask.lsnAndChecksum(image);
      for (int at = Page.HEADER; at < Page.SIZE; at++) {
        int ours = get(copy, at);
        int theirs = get(image, at);
        if ((theirs & ~ours) == 0) {
          copy.set(PgLayout.BYTE, at, (byte) theirs);
        }
      }
    } else {
      PageMask.byManager(record.rmgr(), copy, record.block(i));
      PageMask.byManager(record.rmgr(), image, record.block(i));
    }
    long at = copy.mismatch(image);
    if (at >= 0) {
      report.difference(
          type,
          "%s at %s, block id %d, %s: byte %d is %02x, not %02x"
              .formatted(
                  type,
                  Lsn.format(record.endLsn()),
                  record.blockId(i),
                  key(record, i),
                  at,
                  get(copy, at),
                  get(image, at)));
    }
    return at < 0;
  }

  /// Compares every page with its file in a data directory after a clean stop.
  void compareFiles(Path dataDirectory) {
    var files = new OraclePages(dataDirectory);
    for (Map.Entry<Key, MemorySegment> entry : pages.entrySet()) {
      Key key = entry.getKey();
      MemorySegment file = isComparable(key) ? files.read(key) : null;
      if (file != null) {
        report.pagesInFiles++;
        compareFile(key, entry.getValue(), file);
      }
    }
  }

  /// The free space map is never exact.
  private boolean isComparable(Key key) {
    boolean freeSpaceMap = key.kind() == OraclePages.RELATION && key.fork() == FREE_SPACE_MAP_FORK;
    return !broken.contains(key) && !freeSpaceMap;
  }

  private void compareFile(Key key, MemorySegment page, MemorySegment file) {
    if (key.kind() == OraclePages.SLRU) {
      slrus.mask(key, page, file);
    } else if (key.fork() == VISIBILITY_MAP_FORK) {
      PageMask.lsnAndChecksum(page);
      PageMask.lsnAndChecksum(file);
    } else {
      PageMask.byLooks(page, key.block());
      PageMask.byLooks(file, key.block());
    }
    long at = page.mismatch(file);
    if (at >= 0) {
      report.difference(
          "file",
          "file of %s: byte %d is %02x, not %02x".formatted(key, at, get(page, at), get(file, at)));
    }
  }

  private static int get(MemorySegment bytes, long at) {
    return Byte.toUnsignedInt(bytes.get(PgLayout.BYTE, at));
  }
}
