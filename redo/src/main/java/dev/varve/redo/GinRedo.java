package dev.varve.redo;

import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import java.lang.foreign.MemorySegment;

/// What the records of the GIN access method do to their pages.
///
/// | record                | block 0                     | other blocks                             |
/// |-----------------------|-----------------------------|------------------------------------------|
/// | CREATE_PTREE          | a posting tree's first leaf, made anew |                               |
/// | INSERT                | gets items                  | 1: of an inner page: the child that was split, which has its downlink now |
/// | SPLIT                 | the left page, an image     | 1: right page, 2: root, images; 3: as 1 of INSERT |
/// | VACUUM_PAGE           | leaf of the entry tree, an image |                                     |
/// | VACUUM_DATA_LEAF_PAGE | leaf of a posting tree      |                                          |
/// | DELETE_PAGE           | the page, of a posting tree | 1: parent, loses the downlink; 2: left sibling |
/// | UPDATE_META_PAGE      | metapage, made anew         | 1: tail of the pending list              |
/// | INSERT_LISTPAGE       | page of the pending list, made anew |                                  |
/// | DELETE_LISTPAGE       | metapage, made anew         | 1-16: freed pages, made anew             |
///
/// PostgreSQL's `access/ginxlog.h`; the records are the same from 14 to 18.
///
/// Hot: nothing is allocated.
final class GinRedo {

  private static final int POSTING_TREE = 1;
  private static final int LEAF = 2;

  private static final int SPLIT_CHILD = 3;
  private static final int MAX_FREED = 16;

  private GinRedo() {}

  /// How much of a record's `all` bytes of main data redo of one block reads.
  static int mainLength(int operation, int blockId, int all) {
    boolean others =
        operation == RecordType.GIN_INSERT || operation == RecordType.GIN_DELETE_LISTPAGE;
    return operation == RecordType.GIN_SPLIT || (others && blockId != 0) ? 0 : all;
  }

  /// Changes the page, and gives it the LSN.
  static void apply(Change change, long lsn, MemorySegment page) {
    change(change, page);
    Page.setLsn(page, lsn);
  }

  private static void change(Change change, MemorySegment page) {
    switch (change.info() & 0xF0) {
      case RecordType.GIN_CREATE_PTREE -> createPostingTree(change, page);
      case RecordType.GIN_INSERT -> insert(change, page);
      case RecordType.GIN_SPLIT -> split(change, page);
      case RecordType.GIN_VACUUM_PAGE ->
          throw change.corrupted("such a record has the page's image, this one does not");
      case RecordType.GIN_VACUUM_DATA_LEAF_PAGE -> {
        change.requireBlock(0);
        GinDataLeaf.recompress(change, page);
      }
      case RecordType.GIN_DELETE_PAGE -> deletePage(change, page);
      case RecordType.GIN_UPDATE_META_PAGE -> updateMeta(change, page);
      case RecordType.GIN_INSERT_LISTPAGE -> {
        change.requireBlock(0);
        GinEntryPage.fillListPage(change, page);
      }
      case RecordType.GIN_DELETE_LISTPAGE -> deleteListPages(change, page);
      default -> throw change.unsupported();
    }
  }

  /// Main data: length `u32`, then as many bytes of posting lists.
  private static void createPostingTree(Change change, MemorySegment page) {
    change.requireBlock(0);
    int length = change.mainInt(0);
    if (length != change.mainLength() - 4) {
      throw change.corrupted(
          "it has %d bytes of posting lists, not %d".formatted(change.mainLength() - 4, length));
    }
    GinDataLeaf.initialize(change, page, change.mainOffset() + 4L, length);
  }

  /// | main data | field                                                                      |
  /// |-----------|----------------------------------------------------------------------------|
  /// | 0-1       | flags: 1 into a posting tree, 2 into a leaf                                |
  /// | 2-5       | not into a leaf: the left half of the child that was split: high, low half |
  /// | 6-9       | not into a leaf: its right half                                            |
  private static void insert(Change change, MemorySegment page) {
    if (change.blockId() == 1) {
      finishSplit(change, page);
      return;
    }
    change.requireBlock(0);
    int flags = change.mainUint16(0);
    switch (flags) {
      case 0 -> GinEntryPage.insertInner(change, page, rightHalf(change));
      case LEAF -> GinEntryPage.insertLeaf(change, page);
      case POSTING_TREE -> GinDataPage.insert(change, page, rightHalf(change));
      case POSTING_TREE | LEAF -> GinDataLeaf.recompress(change, page);
      default -> throw change.corrupted("its flags are " + flags);
    }
  }

  private static int rightHalf(Change change) {
    return change.mainUint16(6) << 16 | change.mainUint16(8);
  }

  private static void split(Change change, MemorySegment page) {
    if (change.blockId() < SPLIT_CHILD) {
      throw change.corrupted(
          "such a record has an image of block id %d, this one does not"
              .formatted(change.blockId()));
    }
    change.requireBlock(SPLIT_CHILD);
    finishSplit(change, page);
  }

  /// The page is the left half of a split whose right half has got its downlink.
  ///
  /// That the flag was set before is no condition: who wrote the record cleared it without a look,
  /// too.
  private static void finishSplit(Change change, MemorySegment page) {
    GinPage.require(change, page);
    GinPage.setFlags(page, GinPage.flags(page) & ~GinPage.INCOMPLETE_SPLIT);
  }

  /// | main data | field                                                  |
  /// |-----------|--------------------------------------------------------|
  /// | 0-1       | number of the parent's item that goes                  |
  /// | 4-7       | right sibling                                          |
  /// | 8-11      | transaction after which the page may be used again     |
  private static void deletePage(Change change, MemorySegment page) {
    change.requireMain(12);
    GinPage.require(change, page);
    if ((GinPage.flags(page) & GinPage.DATA) == 0) {
      throw change.corrupted("the page is none of a posting tree");
    }
    switch (change.blockId()) {
      case 0 -> {
        GinPage.setFlags(page, GinPage.flags(page) | GinPage.DELETED);
        Page.setPruneXid(page, change.mainInt(8));
      }
      case 1 -> GinDataPage.remove(change, page, change.mainUint16(0));
      case 2 -> GinPage.setRight(page, change.mainInt(4));
      default -> throw change.strangeBlock();
    }
  }

  /// | main data | field                                                                     |
  /// |-----------|---------------------------------------------------------------------------|
  /// | 0-11      | relation: tablespace, database, relation file number                      |
  /// | 16-71     | the metapage's content                                                    |
  /// | 72-75     | the page that was the tail before pages were added, FFFFFFFF if none were |
  /// | 76-79     | the first page that was added                                             |
  /// | 80-83     | how many tuples the tail page gets                                        |
  ///
  /// Block 1: the tuples, one after the other. Without any, it gets the first new page for its
  /// right sibling.
  private static void updateMeta(Change change, MemorySegment page) {
    if (change.blockId() == 0) {
      GinPage.initializeMeta(change, page, 16);
      return;
    }
    change.requireBlock(1);
    int tuples = change.mainInt(80);
    if (tuples > 0) {
      GinEntryPage.appendToList(change, page, tuples);
    } else if (tuples == 0 && change.mainInt(72) != GinPage.NO_BLOCK) {
      GinEntryPage.requireList(change, page);
      GinPage.setRight(page, change.mainInt(76));
    } else {
      throw change.corrupted("it has %d tuples and no page for the list's tail".formatted(tuples));
    }
  }

  /// Main data: the metapage's content, then (`u32` at 56) how many pages are freed.
  private static void deleteListPages(Change change, MemorySegment page) {
    if (change.blockId() == 0) {
      GinPage.initializeMeta(change, page, 0);
    } else if (change.blockId() <= MAX_FREED) {
      GinPage.initialize(page, GinPage.DELETED);
    } else {
      throw change.strangeBlock();
    }
  }
}
