package dev.varve.verify;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageKind;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.slru.Slru;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Compares what a replay came to with the files of a server that was stopped cleanly at the log's
/// end: every block of every relation and SLRU that the log knows, but for free space maps, which
/// are never exact.
///
/// {@link PageMask} blanks what may differ. Of GiST and SP-GiST pages more is compared than that,
/// because the images in records, which have not got it yet, are blind for it: the LSN, and of GiST
/// pages also the NSN and the flag that says that a split is not complete.
///
/// From version 16 on nothing is logged of the init fork of an unlogged bloom index.
final class FinalComparison {

  /// In the special space, behind NSN and right neighbour.
  private static final long GIST_FLAGS = 12;

  private static final int GIST_FOLLOW_RIGHT = 8;

  /// What pages have that PostgreSQL up to 16 sorts into a new index; others have 0 by then.
  private static final long GIST_BUILD_LSN = 1;

  private final ReplayStore replayed;
  private final ReplayStore files;
  private final Findings findings;
  private final MapsWithoutBits mapsWithoutBits;
  private final Leftovers leftovers;
  private final Findings.Count count;
  private final Lsn end;
  private final Key nextMultixact;
  private final long nextMultixactAt;
  private final MemorySegment ours = MemorySegment.ofArray(new byte[Page.SIZE]);
  private final MemorySegment theirs = MemorySegment.ofArray(new byte[Page.SIZE]);

  /// @param files the stopped server's, loaded
  /// @param mapsWithoutBits pages of visibility maps that may lack bits that the file has
  /// @param leftovers relations that need no file
  FinalComparison(
      ReplayStore replayed,
      ReplayStore files,
      Findings findings,
      MapsWithoutBits mapsWithoutBits,
      Leftovers leftovers,
      Lsn end) {
    this.replayed = replayed;
    this.files = files;
    this.findings = findings;
    this.mapsWithoutBits = mapsWithoutBits;
    this.leftovers = leftovers;
    this.count = findings.ofFiles();
    this.end = end;
    byte[] checkPoint = replayed.value(DirectoryKeys.CHECKPOINT);
    int next =
        checkPoint == null
            ? 0
            : DirectoryValues.checkPoint(replayed.version(), checkPoint, null).nextMulti();
    Slru offsets = Slru.MULTIXACT_OFFSETS;
    nextMultixact = DirectoryKeys.slruPage(offsets, offsets.page(next));
    nextMultixactAt = offsets.indexOnPage(next) * (long) Integer.BYTES;
  }

  void run() {
    for (Key size : sizes(files, DirectoryKeys.RELATION_SIZE)) {
      relation(DirectoryKeys.relationOf(size), blocks(files, size));
    }
    for (Key size : sizes(files, DirectoryKeys.SLRU_SIZE)) {
      slru(size);
    }
    for (Key size : sizes(replayed, DirectoryKeys.RELATION_SIZE)) {
      RelationFork fork = DirectoryKeys.relationOf(size);
      if (files.value(size) == null
          && fork.fork() != RelationFork.FREE_SPACE_MAP
          && !leftovers.mayHave(replayed, size)) {
        differs(DirectoryKeys.relationBlock(fork, 0), fork + " has no file");
      }
    }
  }

  /// Scans before anything is read: a scan's keys must not change under it.
  private static List<Key> sizes(ReplayStore store, int kind) {
    var keys = new ArrayList<Key>();
    store.scan(DirectoryKeys.kind(kind), (key, _) -> keys.add(key));
    return keys;
  }

  private static long blocks(ReplayStore store, Key size) {
    byte[] value = store.value(size);
    return value == null ? 0 : DirectoryValues.size(value);
  }

  /// A server extends files by zeroes that the log doesn't tell of.
  private void relation(RelationFork fork, long theirBlocks) {
    if (fork.fork() == RelationFork.FREE_SPACE_MAP) {
      return;
    }
    long blocks = blocks(replayed, DirectoryKeys.relationSize(fork));
    if (blocks > theirBlocks) {
      differs(
          DirectoryKeys.relationBlock(fork, (int) theirBlocks),
          "%s has %d blocks, and its file %d".formatted(fork, blocks, theirBlocks));
    }
    for (long block = 0; block < theirBlocks; block++) {
      Key key = DirectoryKeys.relationBlock(fork, (int) block);
      copy(files.page(key), theirs);
      if (block >= blocks && fork.fork() == RelationFork.INIT && isBloom(theirs)) {
        continue;
      }
      MemorySegment page = block < blocks ? replayed.page(key) : null;
      if (page == null && block < blocks) {
        differs(key, "redo could not make the page");
      } else {
        copy(page, ours);
        compare(key);
      }
    }
  }

  private static boolean isBloom(MemorySegment page) {
    return PageKind.of(page, RelationFork.INIT) == PageKind.BLOOM;
  }

  private static void copy(@Nullable MemorySegment page, MemorySegment target) {
    if (page == null) {
      target.fill((byte) 0);
    } else {
      MemorySegment.copy(page, 0, target, 0, Page.SIZE);
    }
  }

  private void slru(Key size) {
    long pages = Math.min(blocks(replayed, size), blocks(files, size));
    for (int page = 0; page < pages; page++) {
      Key key = new Key(DirectoryKeys.SLRU_PAGE, size.tablespace(), 1, size.relation(), 0, page);
      copy(files.page(key), theirs);
      copy(replayed.page(key), ours);
      compare(key);
    }
  }

  private void compare(Key key) {
    count.checked++;
    if (key.kind() == DirectoryKeys.PAGE
        && Long.compareUnsigned(Page.lsn(theirs), GIST_BUILD_LSN) <= 0) {
      if (isEmptySpgist(theirs) && isEmptySpgist(ours)) {
        return; // the server has looked for room in it, and made it anew without a record
      }
      Page.setLsn(ours, Page.lsn(theirs)); // the file was written before its record
    }
    if (key.kind() == DirectoryKeys.PAGE && key.fork() == RelationFork.VISIBILITY_MAP) {
      MemorySegment.copy(theirs, 0, ours, 0, Page.HEADER); // it is made without a record
    }
    try {
      mask(key, ours);
      mask(key, theirs);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      differs(key, "the page can't be compared: " + e.getMessage());
      return;
    }
    if (mapsWithoutBits.contains(key)) {
      VisibilityBits.addMissing(ours, theirs);
    }
    if (ours.mismatch(theirs) >= 0) {
      differs(key, PageDifference.of(ours, theirs, key.fork(), key.block()));
    }
  }

  private void mask(Key key, MemorySegment page) {
    if (key.kind() == DirectoryKeys.SLRU_PAGE) {
      if (key.equals(nextMultixact)) {
        // Older minors do not write the start offset of the multixact that comes next.
        page.asSlice(nextMultixactAt, Integer.BYTES).fill((byte) 0);
      }
    } else if (key.fork() != RelationFork.VISIBILITY_MAP) {
      maskByLooks(key, page);
    }
  }

  private static boolean isEmptySpgist(MemorySegment page) {
    return PageKind.of(page, RelationFork.MAIN) == PageKind.SPGIST && Page.pointers(page) == 0;
  }

  private static void maskByLooks(Key key, MemorySegment page) {
    PageKind kind = PageKind.of(page, key.fork());
    long lsn = Page.lsn(page);
    int special = Page.special(page);
    if (kind == PageKind.GIST) {
      long nsn = page.get(PgLayout.LONG, special);
      int followRight = page.get(PgLayout.SHORT, special + GIST_FLAGS) & GIST_FOLLOW_RIGHT;
      PageMask.byLooks(page, key.block());
      int flags = page.get(PgLayout.SHORT, special + GIST_FLAGS);
      page.set(PgLayout.LONG, special, nsn);
      page.set(PgLayout.SHORT, special + GIST_FLAGS, (short) (flags | followRight));
    } else {
      PageMask.byLooks(page, key.block());
    }
    if (kind == PageKind.GIST || kind == PageKind.SPGIST) {
      Page.setLsn(page, lsn);
    }
  }

  private void differs(Key key, String sentence) {
    differs(key, List.of(sentence));
  }

  private void differs(Key key, List<String> difference) {
    findings.mismatch(count, end, end, key, difference);
  }
}
