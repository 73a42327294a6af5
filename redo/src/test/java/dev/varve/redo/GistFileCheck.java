package dev.varve.redo;

import dev.varve.cluster.LocalCluster;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageKind;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Compares what the oracle's images of GiST and SP-GiST pages are blind for with the files of the
/// stopped server: the LSN of the pages, and of GiST pages the NSN and the flag "follow right",
/// which an image does not have yet.
final class GistFileCheck implements OracleRun.Witness {

  private final OracleRun.Witness other;
  private final List<String> differences = new ArrayList<>();
  private int compared;

  /// @param other sees everything first
  GistFileCheck(OracleRun.Witness other) {
    this.other = other;
  }

  int compared() {
    return compared;
  }

  List<String> differences() {
    return differences;
  }

  @Override
  public void record(WalRecord record) {
    other.record(record);
  }

  @Override
  public void pages(LocalCluster cluster, Map<Key, MemorySegment> pages) throws Exception {
    other.pages(cluster, pages);
    var files = new OraclePages(cluster.dataDirectory());
    for (Map.Entry<Key, MemorySegment> entry : pages.entrySet()) {
      Key key = entry.getKey();
      MemorySegment page = entry.getValue();
      if (key.kind() == OraclePages.RELATION && key.fork() == 0 && isOurs(page)) {
        MemorySegment file = files.read(key);
        if (file != null) {
          compared++;
          compare(key, page, file);
        }
      }
    }
  }

  private static boolean isOurs(MemorySegment page) {
    PageKind kind = PageKind.of(page, 0);
    return kind == PageKind.GIST || kind == PageKind.SPGIST;
  }

  private void compare(Key key, MemorySegment page, MemorySegment file) {
    MemorySegment ours = visible(key, page);
    MemorySegment theirs = visible(key, file);
    if (Page.lsn(page) != Page.lsn(file) || ours.mismatch(theirs) >= 0) {
      differences.add(
          "%s, LSN %s, not %s, differs in its special space or content at %d"
              .formatted(
                  key,
                  Lsn.format(Page.lsn(page)),
                  Lsn.format(Page.lsn(file)),
                  ours.mismatch(theirs)));
    }
  }

  /// The page with the common mask, but for the special space of a GiST page, of which only the
  /// flags are blanked that mean no change: 10 has garbage, 4 tuples were deleted.
  private static MemorySegment visible(Key key, MemorySegment page) {
    MemorySegment copy = MemorySegment.ofArray(page.toArray(PgLayout.BYTE));
    boolean gist = PageKind.of(page, 0) == PageKind.GIST;
    PageMask.byLooks(copy, key.block());
    if (gist) {
      int special = Page.special(page);
      MemorySegment.copy(page, special, copy, special, (long) Page.SIZE - special);
      int flags = page.get(PgLayout.SHORT, special + 12L);
      copy.set(PgLayout.SHORT, special + 12L, (short) (flags & ~0x14));
    }
    return copy;
  }
}
