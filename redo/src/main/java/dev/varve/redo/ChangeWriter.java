package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;
import java.lang.foreign.MemorySegment;

/// Writes what *one* block of a record needs for its redo: a change. The format is described with
/// {@link Change}'s table; a change is what a layer keeps for a key and what {@link Redo#apply}
/// takes.
///
/// What is left out: the other blocks' data and images, oracle images, everything but the image
/// when redo restores that, references to blocks that redo of this one never asks for (a heap
/// page's redo does not care for the visibility map), and what a heap record's main data has for
/// others than redo (old tuples for logical decoding, invalidation messages).
///
/// Hot: static, nothing is allocated; any number of threads.
public final class ChangeWriter {

  private static final int MAIN_FORK = 0;

  /// Length of {@link #clearVisibility}'s change.
  public static final int CLEAR_VISIBILITY_BYTES = 11;

  /// Length of {@link #truncateVisibility}'s change.
  public static final int TRUNCATE_VISIBILITY_BYTES = 5;

  /// Length of {@link #zeroPage}'s change.
  public static final int ZERO_PAGE_BYTES = 1;

  /// In {@link #commitLog}: the transaction, or subtransaction, committed.
  public static final int COMMITTED = 1;

  /// In {@link #commitLog}: it aborted.
  public static final int ABORTED = 2;

  /// In {@link #clearVisibility}: both bits of the heap block.
  public static final int BOTH_BITS = 3;

  /// In {@link #clearVisibility}: only the all-frozen bit.
  public static final int ALL_FROZEN_BIT = 2;

  private ChangeWriter() {}

  /// Whether the change of this block makes the page from nothing, so that no older version of it
  /// is needed.
  public static boolean initializes(WalRecord record, int blockIndex) {
    return restores(record, blockIndex) || record.initializesPage(blockIndex);
  }

  private static boolean restores(WalRecord record, int blockIndex) {
    return record.hasImage(blockIndex) && record.imageApplies(blockIndex);
  }

  /// At least as many bytes as {@link #write} will write.
  public static int sizeBound(WalRecord record, int blockIndex) {
    return restores(record, blockIndex)
        ? Change.IMAGE_HEADER_BYTES + record.imageLength(blockIndex)
        : sizeBoundWithoutImage(record, blockIndex);
  }

  /// At least as many bytes as {@link #writeWithoutImage} will write.
  public static int sizeBoundWithoutImage(WalRecord record, int blockIndex) {
    return Change.HEADER_BYTES
        + 2
        + record.blockCount() * Change.OTHER_BYTES
        + record.mainDataLength()
        + dataLength(record, blockIndex);
  }

  /// Writes the change of a block.
  ///
  /// @param blockIndex place of the block reference in the record, as {@link WalRecord#blockId}
  ///   takes it; not the id
  /// @return how many bytes it has
  public static int write(WalRecord record, int blockIndex, MemorySegment target, long offset) {
    return restores(record, blockIndex)
        ? writeImage(record, blockIndex, target, offset)
        : writeWithoutImage(record, blockIndex, target, offset);
  }

  private static int writeImage(WalRecord record, int block, MemorySegment target, long offset) {
    boolean split = record.rmgr() == Change.GIST && GistRedo.completesSplit(record, block);
    putByte(target, offset, split ? Change.IMAGE_OF_SPLIT : Change.IMAGE);
    putByte(target, offset + 1, record.rmgr());
    putByte(target, offset + 2, record.info());
    putByte(target, offset + 3, record.imageCompression(block));
    putShort(target, offset + 4, record.holeOffset(block));
    putShort(target, offset + 6, record.holeLength(block));
    int length = record.imageLength(block);
    MemorySegment.copy(
        record.bytes(),
        record.imageOffset(block),
        target,
        offset + Change.IMAGE_HEADER_BYTES,
        length);
    return Change.IMAGE_HEADER_BYTES + length;
  }

  /// Writes the change of a block as if the record had no image of it. That has all that redo needs
  /// only where the record keeps what the image makes superfluous.
  public static int writeWithoutImage(
      WalRecord record, int block, MemorySegment target, long offset) {
    int mainLength = mainLength(record, block);
    boolean longMain = mainLength > 0xFFFF;
    int flags = record.initializesPage(block) ? Change.FLAG_INITIALIZES : 0;
    putByte(target, offset, Change.RECORD);
    putByte(target, offset + 1, record.rmgr());
    putByte(target, offset + 2, record.info());
    putByte(target, offset + 3, record.blockId(block));
    putByte(target, offset + 4, longMain ? flags | Change.FLAG_LONG_MAIN : flags);
    putInt(target, offset + 6, record.xid());
    long at = offset + Change.HEADER_BYTES;
    if (longMain) {
      putInt(target, offset + 10, mainLength);
      at += 2;
    } else {
      putShort(target, offset + 10, mainLength);
    }
    int others = 0;
    for (int i = 0; i < record.blockCount(); i++) {
      if (i != block && isNeeded(record, block, i)) {
        writeOther(record, block, i, target, at);
        at += Change.OTHER_BYTES;
        others++;
      }
    }
    putByte(target, offset + 5, others);
    MemorySegment.copy(record.bytes(), record.mainDataOffset(), target, at, mainLength);
    at += mainLength;
    int length = dataLength(record, block);
    if (length > 0) {
      MemorySegment.copy(record.bytes(), record.dataOffset(block), target, at, length);
    }
    return (int) (at + length - offset);
  }

  /// How much of the main data redo of this block reads; the classes of the resource managers have
  /// the layouts.
  private static int mainLength(WalRecord record, int block) {
    int all = record.mainDataLength();
    int operation = record.info() & HeapRedo.OPERATION;
    return switch (record.rmgr()) {
      case Change.HEAP -> Math.min(all, HeapRedo.mainLength(operation));
      case Change.HEAP2 -> {
        boolean map = record.fork(block) != MAIN_FORK;
        yield map && operation == RecordType.HEAP2_MULTI_INSERT
            ? Math.min(all, Heap2Redo.OFFSETS)
            : all;
      }
      case Change.HASH -> Math.min(all, HashRedo.mainLength(record.info(), record.blockId(block)));
      case Change.GIN -> GinRedo.mainLength(record.info() & 0xF0, record.blockId(block), all);
      case Change.SPGIST -> SpgistRedo.mainLength(record, block);
      default -> all;
    };
  }

  private static int dataLength(WalRecord record, int block) {
    return record.hasData(block) ? record.dataLength(block) : 0;
  }

  /// Whether redo of a block asks for the number of another one: that of a heap page only for those
  /// of heap pages, that of a GIN page for none.
  private static boolean isNeeded(WalRecord record, int block, int other) {
    return switch (record.rmgr()) {
      case Change.HEAP, Change.HEAP2 ->
          record.fork(block) != MAIN_FORK || record.fork(other) == MAIN_FORK;
      case Change.HASH ->
          HashRedo.needs(record.info(), record.blockId(block), record.blockId(other));
      case Change.GIN -> false;
      case Change.GIST -> GistRedo.isNeeded(record, block, other);
      case Change.BRIN ->
          BrinRedo.needs(record.info(), record.blockId(block), record.blockId(other));
      default -> true;
    };
  }

  private static void writeOther(
      WalRecord record, int block, int other, MemorySegment target, long at) {
    boolean same =
        record.relation(other) == record.relation(block)
            && record.database(other) == record.database(block)
            && record.tablespace(other) == record.tablespace(block);
    putByte(target, at, record.blockId(other));
    putByte(target, at + 1, same ? record.fork(other) | Change.SAME_RELATION : record.fork(other));
    putInt(target, at + 2, record.block(other));
  }

  /// Clears bits of one or two heap blocks in their common visibility map page; for records that
  /// clear them without naming the map page ({@link dev.varve.postgres.record.HeapVisibility}).
  ///
  /// @param otherHeapBlock -1 when there is only one
  /// @param bits {@link #BOTH_BITS} or {@link #ALL_FROZEN_BIT}
  /// @param setLsn whether the map page gets the LSN; PostgreSQL leaves it as it was
  public static int clearVisibility(
      int heapBlock,
      int otherHeapBlock,
      int bits,
      boolean setLsn,
      MemorySegment target,
      long offset) {
    putByte(target, offset, Change.CLEAR_VISIBILITY);
    putByte(target, offset + 1, bits);
    putByte(target, offset + 2, setLsn ? 1 : 0);
    putInt(target, offset + 3, heapBlock);
    putInt(target, offset + 7, otherHeapBlock);
    return CLEAR_VISIBILITY_BYTES;
  }

  /// Clears the bits of all heap blocks from `heapBlocks` on in the map page that holds this
  /// block's; for the map's last page when the heap is cut to `heapBlocks` blocks.
  public static int truncateVisibility(int heapBlocks, MemorySegment target, long offset) {
    putByte(target, offset, Change.TRUNCATE_VISIBILITY);
    putInt(target, offset + 1, heapBlocks);
    return TRUNCATE_VISIBILITY_BYTES;
  }

  /// Makes the page 8192 bytes of zero; needs no older version.
  public static int zeroPage(MemorySegment target, long offset) {
    putByte(target, offset, Change.ZERO_PAGE);
    return ZERO_PAGE_BYTES;
  }

  /// How long a {@link #commitLog} change of so many transactions is.
  public static int commitLogBytes(int count) {
    return 2 + count * 4;
  }

  /// Sets the end state of transactions, all on one page of the commit log.
  ///
  /// @param status {@link #COMMITTED} or {@link #ABORTED}
  /// @param xids those from index `from`, `count` of them, are written
  public static int commitLog(
      int status, int[] xids, int from, int count, MemorySegment target, long offset) {
    putByte(target, offset, Change.COMMIT_LOG);
    putByte(target, offset + 1, status);
    putInts(xids, from, count, target, offset + 2);
    return commitLogBytes(count);
  }

  /// How long a {@link #multixactOffset} change is.
  public static final int MULTIXACT_OFFSET_BYTES = 9;

  /// How long a {@link #multixactOffsets} change is.
  public static final int MULTIXACT_OFFSETS_BYTES = 17;

  /// Sets where the members of one multixact start.
  public static int multixactOffset(
      int multixact, int memberOffset, MemorySegment target, long offset) {
    putByte(target, offset, Change.MULTIXACT_OFFSETS);
    putInt(target, offset + 1, multixact);
    putInt(target, offset + 5, memberOffset);
    return MULTIXACT_OFFSET_BYTES;
  }

  /// Sets where the members of two multixacts on one page start: a new one and the next after it.
  public static int multixactOffsets(
      int multixact,
      int memberOffset,
      int nextMultixact,
      int nextMemberOffset,
      MemorySegment target,
      long offset) {
    int length = multixactOffset(multixact, memberOffset, target, offset);
    putInt(target, offset + length, nextMultixact);
    putInt(target, offset + length + 4, nextMemberOffset);
    return MULTIXACT_OFFSETS_BYTES;
  }

  /// How long a {@link #multixactMembers} change of so many members is.
  public static int multixactMembersBytes(int count) {
    return 5 + count * 8;
  }

  /// Writes members of a multixact, all on one page.
  ///
  /// @param firstOffset of the first of them
  /// @param members pairs of xid u32 and status u32, as the record that creates a multixact has
  ///   them, from `membersOffset` on
  public static int multixactMembers(
      int firstOffset,
      MemorySegment members,
      long membersOffset,
      int count,
      MemorySegment target,
      long offset) {
    putByte(target, offset, Change.MULTIXACT_MEMBERS);
    putInt(target, offset + 1, firstOffset);
    MemorySegment.copy(members, membersOffset, target, offset + 5, count * 8L);
    return multixactMembersBytes(count);
  }

  /// How long a {@link #commitTimestamps} change of so many transactions is.
  public static int commitTimestampsBytes(int count) {
    return 11 + count * 4;
  }

  /// Sets the commit time and origin of transactions, all on one page.
  ///
  /// @param time microseconds since 2000-01-01 UTC, as the commit record has it
  /// @param xids those from index `from`, `count` of them, are written
  public static int commitTimestamps(
      long time, int origin, int[] xids, int from, int count, MemorySegment target, long offset) {
    putByte(target, offset, Change.COMMIT_TIMESTAMPS);
    target.set(PgLayout.LONG, offset + 1, time);
    putShort(target, offset + 9, origin);
    putInts(xids, from, count, target, offset + 11);
    return commitTimestampsBytes(count);
  }

  private static void putInts(
      int[] values, int from, int count, MemorySegment target, long offset) {
    MemorySegment.copy(values, from, target, PgLayout.INT, offset, count);
  }

  private static void putByte(MemorySegment target, long at, int value) {
    target.set(PgLayout.BYTE, at, (byte) value);
  }

  private static void putShort(MemorySegment target, long at, int value) {
    target.set(PgLayout.SHORT, at, (short) value);
  }

  private static void putInt(MemorySegment target, long at, int value) {
    target.set(PgLayout.INT, at, value);
  }
}
