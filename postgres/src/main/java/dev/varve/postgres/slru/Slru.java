package dev.varve.postgres.slru;

import java.util.HexFormat;
import java.util.Locale;
import java.util.OptionalInt;

/// The files that hold a little for each transaction or multixact: pages of 8192 bytes *without* a
/// page header, 32 of them in a segment file.
///
/// | which               | folder                 | an entry              | entries on a page |
/// |---------------------|------------------------|-----------------------|-------------------|
/// | `CLOG`              | `pg_xact`              | 2 bits: 0 running, 1 committed, 2 aborted, 3 subtransaction committed | 32,768 |
/// | `MULTIXACT_MEMBERS` | `pg_multixact/members` | see {@link MultixactMembers} | 1,636      |
/// | `MULTIXACT_OFFSETS` | `pg_multixact/offsets` | `u32`: offset of the first member | 2,048 |
/// | `COMMIT_TS`         | `pg_commit_ts`         | `i64` microseconds since 2000, `u16` origin: 10 bytes | 819 |
///
/// An id (of a transaction, a multixact, or the offset of a member) is unsigned, and its entry is
/// on page id / entries on a page. The order of `ordinal` is that of the key space: do not change
/// it.
///
/// PostgreSQL's `access/slru.h`, `transam/clog.c`, `transam/multixact.c`, `transam/commit_ts.c`.
public enum Slru {
  CLOG("pg_xact", 32_768),
  MULTIXACT_MEMBERS("pg_multixact/members", 1_636),
  MULTIXACT_OFFSETS("pg_multixact/offsets", 2_048),
  COMMIT_TS("pg_commit_ts", 819);

  public static final int PAGE_SIZE = 8192;
  public static final int PAGES_PER_SEGMENT = 32;

  private static final int SHORTEST_NAME = 4;
  private static final int LONGEST_NAME = 6;

  private final String directory;
  private final int entriesPerPage;

  Slru(String directory, int entriesPerPage) {
    this.directory = directory;
    this.entriesPerPage = entriesPerPage;
  }

  /// Its folder in the data directory, without a slash at the end.
  public String directory() {
    return directory;
  }

  public int entriesPerPage() {
    return entriesPerPage;
  }

  /// The number of the page that has the entry of `id`, unsigned.
  public int page(int id) {
    return Integer.divideUnsigned(id, entriesPerPage);
  }

  /// Which entry of its page that of `id` is.
  public int indexOnPage(int id) {
    return Integer.remainderUnsigned(id, entriesPerPage);
  }

  /// How many pages there can be before ids wrap around to page 0.
  public int pages() {
    return page(-1) + 1;
  }

  /// The segment that holds a page.
  public static int segment(int page) {
    return page / PAGES_PER_SEGMENT;
  }

  /// The place of a page in its segment.
  public static int pageInSegment(int page) {
    return page % PAGES_PER_SEGMENT;
  }

  /// The name of a segment's file: at least four upper-case hex digits. The four kinds here keep
  /// these short names in version 17 and later, too.
  public static String fileName(int segment) {
    return String.format(Locale.ROOT, "%04X", segment);
  }

  /// The segment with this file name; empty if it is not the name of one.
  public static OptionalInt parseFileName(String name) {
    if (name.length() < SHORTEST_NAME || name.length() > LONGEST_NAME) {
      return OptionalInt.empty();
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (!HexFormat.isHexDigit(c) || Character.isLowerCase(c)) {
        return OptionalInt.empty();
      }
    }
    int segment = HexFormat.fromHexDigits(name);
    return fileName(segment).equals(name) ? OptionalInt.of(segment) : OptionalInt.empty();
  }

  /// Where in the page's bytes the commit status of a transaction is: the byte.
  public static int statusByte(int xid) {
    return CLOG.indexOnPage(xid) / 4;
  }

  /// By how many bits the status is shifted left in its byte.
  public static int statusShift(int xid) {
    return (xid & 3) * 2;
  }
}
