package dev.varve.redo;

import static dev.varve.postgres.PgLayout.INT;
import static dev.varve.postgres.PgLayout.LONG;
import static dev.varve.postgres.PgLayout.SHORT;

import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;

/// The special space of a page of a hash index, its bitmap pages, and the pages that redo makes
/// from nothing.
///
/// | bytes     | field                                                                          |
/// |-----------|--------------------------------------------------------------------------------|
/// | 8176-8179 | the page before in the bucket's chain; of the bucket's first page: the highest |
/// |           | bucket there was when it was made or last split                                |
/// | 8180-8183 | the page after it in the chain, FFFFFFFF if there is none                      |
/// | 8184-8187 | the bucket, FFFFFFFF on pages that belong to none                              |
/// | 8188-8189 | flags, see below                                                               |
/// | 8190-8191 | FF80                                                                           |
///
/// | flag | what the page is                  | flag | state                                     |
/// |------|-----------------------------------|------|-------------------------------------------|
/// | 1    | overflow page of a bucket         | 10   | bucket that a split is filling            |
/// | 2    | first page of a bucket            | 20   | bucket that a split takes from            |
/// | 4    | bitmap: which pages are in use    | 40   | bucket with items that a split has copied |
/// | 8    | metapage, {@link HashMetapage}    | 80   | has items that scans found dead           |
///
/// A page with none of the first four is free. A bitmap page has 4096 bytes of bits behind the page
/// header, bit 0 of byte 0 first; items of other pages are as on all index pages. PostgreSQL's
/// `access/hash.h`.
final class HashPage {

  static final int OVERFLOW = 1;
  static final int BUCKET = 2;
  static final int BITMAP = 4;
  static final int META = 8;
  static final int NEEDS_CLEANUP = 0x40;
  static final int HAS_DEAD = 0x80;

  /// Either kind of page that has items.
  static final int ITEMS = OVERFLOW | BUCKET;

  static final int NONE = -1;
  static final int BITMAP_BYTES = 4096;

  private static final int SPECIAL = 16;
  private static final int START = Page.SIZE - SPECIAL;
  private static final long PREVIOUS = START;
  private static final long NEXT = START + 4;
  private static final long OWNER = START + 8;
  private static final long FLAGS = START + 12;
  private static final long ID = START + 14;
  private static final short HASH = (short) 0xFF80;

  private HashPage() {}

  /// Fails unless the page's header is sound, and the page is one of a hash index, of one of the
  /// given kinds.
  static void require(Change change, MemorySegment page, int kinds) {
    PageItems.count(change, page);
    if (Page.special(page) != START || page.get(SHORT, ID) != HASH) {
      throw change.corrupted("the page is none of a hash index");
    }
    if ((page.get(SHORT, FLAGS) & kinds) == 0) {
      throw change.corrupted(
          "the page has flags %x, none of %x".formatted(page.get(SHORT, FLAGS) & 0xFFFF, kinds));
    }
  }

  static void setPrevious(MemorySegment page, int block) {
    page.set(INT, PREVIOUS, block);
  }

  static void setNext(MemorySegment page, int block) {
    page.set(INT, NEXT, block);
  }

  static void setFlags(MemorySegment page, int flags) {
    page.set(SHORT, FLAGS, (short) flags);
  }

  static void clearFlags(MemorySegment page, int flags) {
    setFlags(page, page.get(SHORT, FLAGS) & ~flags);
  }

  /// Makes an empty page of it, the last of its chain.
  static void initialize(MemorySegment page, int previous, int bucket, int flags) {
    Page.initialize(page, SPECIAL);
    setPrevious(page, previous);
    setNext(page, NONE);
    page.set(INT, OWNER, bucket);
    setFlags(page, flags);
    page.set(SHORT, ID, HASH);
  }

  /// Makes a bitmap page of it on which all is in use.
  static void initializeBitmap(Change change, MemorySegment page, int size) {
    if (size != BITMAP_BYTES) {
      throw change.corrupted("a page has no bitmap of " + size + " bytes");
    }
    initialize(page, NONE, NONE, BITMAP);
    for (int at = 0; at < size; at += Long.BYTES) {
      page.set(LONG, Page.HEADER + (long) at, -1);
    }
    Page.setLower(page, Page.HEADER + size);
  }

  /// Sets or clears a bit of a bitmap page.
  static void setBit(Change change, MemorySegment page, int bit, boolean used) {
    require(change, page, BITMAP);
    if (bit < 0 || bit >= BITMAP_BYTES * Byte.SIZE) {
      throw change.corrupted("the bitmap has no bit " + Integer.toUnsignedString(bit));
    }
    long word = Page.HEADER + (long) (bit / Integer.SIZE) * Integer.BYTES;
    int mask = 1 << bit % Integer.SIZE;
    int old = page.get(INT, word);
    page.set(INT, word, used ? old | mask : old & ~mask);
  }
}
