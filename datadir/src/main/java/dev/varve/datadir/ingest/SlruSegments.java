package dev.varve.datadir.ingest;

import static dev.varve.datadir.DirectoryKeys.SLRU_PAGE;
import static dev.varve.datadir.DirectoryKeys.SLRU_SIZE;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.model.Key;
import dev.varve.postgres.slru.Slru;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/// How many pages each segment of each SLRU has, as of the record at hand; the writer's own view,
/// which also writes the sizes. Pages are numbered from the start of the SLRU.
///
/// Of each SLRU the last segment that was asked for is remembered: they are written at their end.
final class SlruSegments {

  private static final int SLRUS = 4;
  private static final int NONE = -1;

  private final VersionWriter writer;
  private final int[] lastSegment = {NONE, NONE, NONE, NONE};
  private final int[] lastPages = new int[SLRUS];

  SlruSegments(VersionWriter writer) {
    this.writer = writer;
  }

  /// Whether the page is there.
  boolean exists(Slru slru, int page) {
    return Slru.pageInSegment(page) < pages(slru, Slru.segment(page));
  }

  /// Makes the page, of zeroes, if it isn't there: PostgreSQL's recovery, too, reads a page that is
  /// missing as zeroes.
  void cover(Slru slru, int page) {
    int segment = Slru.segment(page);
    int pages = pages(slru, segment);
    for (int zero = pages; zero <= Slru.pageInSegment(page); zero++) {
      writer.zeroPageBefore(upper(slru), middle(segment), Key.lower(0, zero));
    }
    if (pages <= Slru.pageInSegment(page)) {
      put(slru, segment, Slru.pageInSegment(page) + 1);
    }
  }

  /// Makes the page zero, whether it is there or not.
  void zero(Slru slru, int page) {
    cover(slru, page);
    writer.zeroPage(
        upper(slru), middle(Slru.segment(page)), Key.lower(0, Slru.pageInSegment(page)));
  }

  /// What the writer's scratch holds happens to the page, which is made if it isn't there.
  void change(Slru slru, int page, int length) {
    cover(slru, page);
    writer.change(
        upper(slru), middle(Slru.segment(page)), Key.lower(0, Slru.pageInSegment(page)), length);
  }

  /// Drops the segments that match.
  void drop(Slru slru, IntPredicate segments) {
    List<Key> dropped = new ArrayList<>();
    writer.scan(
        DirectoryKeys.slruSizes(slru),
        (key, _) -> {
          if (segments.test(key.relation())) {
            dropped.add(key);
          }
        });
    dropped.forEach(writer::remove);
    lastSegment[DirectoryKeys.code(slru)] = NONE;
  }

  private int pages(Slru slru, int segment) {
    int code = DirectoryKeys.code(slru);
    if (lastSegment[code] != segment) {
      byte[] value = writer.newest(DirectoryKeys.slruSize(slru, segment));
      lastPages[code] = value == null ? 0 : (int) DirectoryValues.size(value);
      lastSegment[code] = segment;
    }
    return lastPages[code];
  }

  private void put(Slru slru, int segment, int pages) {
    int code = DirectoryKeys.code(slru);
    writer.intValue(Key.upper(SLRU_SIZE, code), Key.middle(0, segment), Key.lower(0, 0), pages);
    lastSegment[code] = segment;
    lastPages[code] = pages;
  }

  private static long upper(Slru slru) {
    return Key.upper(SLRU_PAGE, DirectoryKeys.code(slru));
  }

  private static long middle(int segment) {
    return Key.middle(1, segment);
  }
}
