package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReferenceArray;

/// Page versions to a page: does to a page what PostgreSQL's redo of one record does to it.
///
/// One per PostgreSQL version; any number of threads. Nothing is allocated for a change: what redo
/// needs to work in is taken from a few that wait here, and given back.
public final class Redo {

  private static final int VISIBILITY_MAP_FORK = 2;

  /// How many changes can be under way at once without any being made for it; a power of two.
  private static final int IDLE = 16;

  /// So many places apart, that no two are on one cache line, or on neighbours: two cores would
  /// take it from each other with every change.
  private static final int APART = 32;

  private final PgVersion version;
  private final AtomicReferenceArray<Change> idle = new AtomicReferenceArray<>(IDLE * APART);

  public Redo(PgVersion version) {
    this.version = version;
  }

  /// Changes the page in place, and gives it the change's LSN where PostgreSQL does.
  ///
  /// A change that names its block in the record, and does not make the page from nothing, is
  /// skipped when the page already has its LSN or a later one: the page was copied after the record
  /// was written.
  ///
  /// @param lsn end of the record
  /// @param page 8192 bytes; what is in them does not matter when the change initialises the page
  /// @param change as {@link ChangeWriter} wrote it
  /// @throws PageserverException.DataCorrupted naming record type, LSN and page, when page and
  ///   change do not fit together; the page's content is undefined then
  /// @throws PageserverException.Unsupported when there is no redo for the record's type
  public void apply(Key key, long lsn, MemorySegment page, MemorySegment change) {
    if (change.byteSize() == 0 || page.byteSize() != Page.SIZE) {
      throw damaged(
          key, lsn, change.byteSize() + " bytes for a page of " + page.byteSize() + " bytes");
    }
    int kind = change.get(PgLayout.BYTE, 0);
    try {
      switch (kind) {
        case Change.RECORD -> applyRecord(key, lsn, page, change);
        case Change.IMAGE -> ImageRedo.apply(key, lsn, page, change);
        case Change.IMAGE_OF_SPLIT -> {
          ImageRedo.apply(key, lsn, page, change);
          GistPage.completeSplit(key, page, lsn);
        }
        case Change.CLEAR_VISIBILITY -> VisibilityMapRedo.clear(key, lsn, page, change);
        case Change.TRUNCATE_VISIBILITY -> VisibilityMapRedo.truncate(key, lsn, page, change);
        case Change.ZERO_PAGE -> page.fill((byte) 0);
        case Change.COMMIT_LOG -> SlruRedo.commitLog(key, lsn, page, change);
        case Change.MULTIXACT_OFFSETS -> SlruRedo.multixactOffsets(key, lsn, page, change);
        case Change.MULTIXACT_MEMBERS -> SlruRedo.multixactMembers(key, lsn, page, change);
        case Change.COMMIT_TIMESTAMPS -> SlruRedo.commitTimestamps(key, lsn, page, change);
        default -> throw damaged(key, lsn, "there is no kind " + kind);
      }
    } catch (IndexOutOfBoundsException e) {
      // The last net: each redo checks what it reads. No client shall see the JVM's own words.
      throw damaged(key, lsn, "redo left the bounds of the page or of the change", e);
    }
  }

  private void applyRecord(Key key, long lsn, MemorySegment page, MemorySegment bytes) {
    int place = ((int) Thread.currentThread().threadId() & IDLE - 1) * APART;
    Change change = idle.getAndSet(place, null);
    if (change == null) {
      change = new Change(version);
    }
    try {
      change.read(key, lsn, bytes);
      if (change.initializes()) {
        page.fill((byte) 0);
      } else if (Long.compareUnsigned(Page.lsn(page), lsn) >= 0) {
        return;
      }
      dispatch(change, lsn, page);
    } finally {
      change.clear();
      idle.set(place, change);
    }
  }

  private void dispatch(Change change, long lsn, MemorySegment page) {
    switch (change.rmgr()) {
      case Change.XLOG -> XlogRedo.apply(change);
      case Change.HEAP -> {
        if (change.fork() == VISIBILITY_MAP_FORK) {
          VisibilityMapRedo.apply(change, lsn, page);
        } else {
          HeapRedo.apply(change, lsn, page);
        }
      }
      case Change.HEAP2 -> {
        if (change.fork() == VISIBILITY_MAP_FORK) {
          VisibilityMapRedo.apply(change, lsn, page);
        } else {
          Heap2Redo.apply(change, version, lsn, page);
        }
      }
      case Change.BTREE -> BtreeRedo.apply(change, lsn, page);
      case Change.HASH -> HashRedo.apply(change, lsn, page);
      case Change.GIN -> GinRedo.apply(change, lsn, page);
      case Change.GIST -> GistRedo.apply(change, lsn, page);
      case Change.SEQUENCE -> SequenceRedo.apply(change, lsn, page);
      case Change.SPGIST -> SpgistRedo.apply(change, lsn, page);
      case Change.BRIN -> BrinRedo.apply(change, lsn, page);
      case Change.GENERIC -> GenericRedo.apply(change, lsn, page);
      default -> throw change.unsupported();
    }
  }

  static PageserverException.DataCorrupted damaged(Key key, long lsn, String finding) {
    return new PageserverException.DataCorrupted(sentence(key, lsn, finding));
  }

  static PageserverException.DataCorrupted damaged(
      Key key, long lsn, String finding, Throwable cause) {
    return new PageserverException.DataCorrupted(sentence(key, lsn, finding), cause);
  }

  private static String sentence(Key key, long lsn, String finding) {
    return "the change of " + name(key) + " at " + Lsn.format(lsn) + " is damaged: " + finding;
  }

  /// The page as people name it, when it is a relation's.
  static String name(Key key) {
    if (key.kind() != 0) {
      return "page " + key;
    }
    return String.format(
        Locale.ROOT,
        "block %s of relation %s/%s/%s%s",
        Integer.toUnsignedString(key.block()),
        Integer.toUnsignedString(key.tablespace()),
        Integer.toUnsignedString(key.database()),
        Integer.toUnsignedString(key.relation()),
        switch (key.fork()) {
          case 0 -> "";
          case 1 -> " (free space map)";
          case VISIBILITY_MAP_FORK -> " (visibility map)";
          case 3 -> " (init fork)";
          default -> " (fork " + key.fork() + ")";
        });
  }
}
