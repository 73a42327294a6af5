package dev.varve.layer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.varve.model.Key;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The keys of a {@link MemoryLayer}, each with the address of its newest entry: a hash table that
/// one thread fills and any number read without locks. A hot class: only growing allocates.
///
/// Keys are numbered from 0 as they come. A key's record, in native byte order:
///
/// | offset | length | field                                             |
/// |--------|--------|---------------------------------------------------|
/// | 0      | 8      | `upper`                                           |
/// | 8      | 8      | `middle`                                          |
/// | 16     | 8      | `lower`                                           |
/// | 24     | 8      | address of the newest entry, published by release |
/// | 32     | 8      | LSN of the newest entry                           |
/// | 40     | 8      | the newest entry's milestone                      |
/// | 48     | 4      | how many entries are below the newest             |
/// | 52     | 12     | unused                                            |
///
/// What comes after the address is for the writer alone: it need not look at the newest entry,
/// which lies anywhere in memory, to put another one above it.
///
/// The table is an array of slots of 8 bytes, open addressing, at most half full: 0, or 32 bits of
/// hash above the key's number + 1. A new key's record is complete before its slot is released, and
/// the slot's acquire makes it visible. A grown table is published whole; who still reads the old
/// one finds all keys that were there when it began, and their newest entries, since those stand in
/// the records. Old tables stay in the chunks; together they take less than the present one.
final class KeyTable {

  private static final int SMALLEST = 1 << 10;
  private static final int SLOT = Long.BYTES;
  private static final int MOST_KEYS = 1 << 29;
  private static final int RECORD = 64;
  private static final int NEWEST = 24;
  private static final int NEWEST_LSN = 32;
  private static final int MILESTONE = 40;
  private static final int BELOW = 48;
  private static final int RECORDS_SHIFT = 10;
  private static final int RECORDS_MASK = (1 << RECORDS_SHIFT) - 1;

  private static final VarHandle WORD = JAVA_LONG.varHandle();
  private static final VarHandle SLOTS;
  private static final VarHandle COUNT;

  static {
    try {
      var lookup = MethodHandles.lookup();
      SLOTS = lookup.findVarHandle(KeyTable.class, "slots", MemorySegment.class);
      COUNT = lookup.findVarHandle(KeyTable.class, "count", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final MemoryChunks chunks;
  private MemorySegment slots;
  private int count;
  private @Nullable MemorySegment[] records = new MemorySegment[4];
  private int[] offsets = new int[4];

  KeyTable(MemoryChunks chunks) {
    this.chunks = chunks;
    slots = emptyTable(SMALLEST);
  }

  private MemorySegment emptyTable(long size) {
    long address = chunks.allocate(size * SLOT);
    long at = MemoryChunks.offset(address);
    return chunks.chunk(address).asSlice(at, size * SLOT).fill((byte) 0);
  }

  int count() {
    return (int) COUNT.getAcquire(this);
  }

  /// @return the number of the key, or -1
  int find(long upper, long middle, long lower) {
    MemorySegment table = (MemorySegment) SLOTS.getAcquire(this);
    long mask = table.byteSize() / SLOT - 1;
    int tag = tag(upper, middle, lower);
    for (long i = tag & mask; ; i = i + 1 & mask) {
      long slot = (long) WORD.getAcquire(table, i * SLOT);
      if (slot == 0) {
        return -1;
      }
      if ((int) (slot >>> 32) == tag && isKey((int) slot - 1, upper, middle, lower)) {
        return (int) slot - 1;
      }
    }
  }

  private static int tag(long upper, long middle, long lower) {
    return (int) KeyHash.of(upper, middle, lower);
  }

  private boolean isKey(int number, long upper, long middle, long lower) {
    MemorySegment chunk = record(number);
    long at = offset(number);
    return chunk.get(JAVA_LONG, at + 16) == lower
        && chunk.get(JAVA_LONG, at + 8) == middle
        && chunk.get(JAVA_LONG, at) == upper;
  }

  private MemorySegment record(int number) {
    return Objects.requireNonNull(records[number >>> RECORDS_SHIFT]);
  }

  private long offset(int number) {
    return offsets[number >>> RECORDS_SHIFT] + (long) (number & RECORDS_MASK) * RECORD;
  }

  /// Adds a key that is not there. For the writer.
  ///
  /// @param newest its entry, the first
  void add(long upper, long middle, long lower, long newest, long lsn) {
    int number = count;
    if (number == MOST_KEYS) {
      throw new IllegalStateException("a memory layer has at most " + MOST_KEYS + " keys");
    }
    if ((number & RECORDS_MASK) == 0) {
      addRecords(number >>> RECORDS_SHIFT);
    }
    if (2L * (number + 1) > slots.byteSize() / SLOT) {
      grow();
    }
    MemorySegment chunk = record(number);
    long at = offset(number);
    chunk.set(JAVA_LONG, at, upper);
    chunk.set(JAVA_LONG, at + 8, middle);
    chunk.set(JAVA_LONG, at + 16, lower);
    chunk.set(JAVA_LONG, at + NEWEST_LSN, lsn);
    chunk.set(JAVA_LONG, at + MILESTONE, 0);
    chunk.set(JAVA_INT, at + BELOW, 0);
    WORD.setRelease(chunk, at + NEWEST, newest);
    COUNT.setRelease(this, number + 1);
    insert(slots, tag(upper, middle, lower), number + 1);
  }

  private void addRecords(int index) {
    if (index == records.length) {
      offsets = Arrays.copyOf(offsets, 2 * index);
      records = Arrays.copyOf(records, 2 * index); // readers may go on with the old ones
    }
    long address = chunks.allocate((long) RECORD << RECORDS_SHIFT);
    offsets[index] = (int) MemoryChunks.offset(address);
    records[index] = chunks.chunk(address);
  }

  private static void insert(MemorySegment table, int tag, int value) {
    long mask = table.byteSize() / SLOT - 1;
    long i = tag & mask;
    while (table.get(JAVA_LONG, i * SLOT) != 0) {
      i = i + 1 & mask;
    }
    WORD.setRelease(table, i * SLOT, (long) tag << 32 | value);
  }

  private void grow() {
    MemorySegment table = emptyTable(2 * slots.byteSize() / SLOT);
    for (long at = 0; at < slots.byteSize(); at += SLOT) {
      long slot = slots.get(JAVA_LONG, at);
      if (slot != 0) {
        insert(table, (int) (slot >>> 32), (int) slot);
      }
    }
    SLOTS.setRelease(this, table);
  }

  long upper(int number) {
    return record(number).get(JAVA_LONG, offset(number));
  }

  long middle(int number) {
    return record(number).get(JAVA_LONG, offset(number) + 8);
  }

  long lower(int number) {
    return record(number).get(JAVA_LONG, offset(number) + 16);
  }

  /// The address of the newest entry of a key.
  long newest(int number) {
    return (long) WORD.getAcquire(record(number), offset(number) + NEWEST);
  }

  /// For the writer: everything it wrote at `address` is visible to who reads the address here.
  ///
  /// @param milestone what the entry has of it
  /// @param below how many entries are below it
  void setNewest(int number, long address, long lsn, long milestone, int below) {
    MemorySegment chunk = record(number);
    long at = offset(number);
    chunk.set(JAVA_LONG, at + NEWEST_LSN, lsn);
    chunk.set(JAVA_LONG, at + MILESTONE, milestone);
    chunk.set(JAVA_INT, at + BELOW, below);
    WORD.setRelease(chunk, at + NEWEST, address);
  }

  /// The LSN of a key's newest entry. For the writer, as the next two.
  long newestLsn(int number) {
    return record(number).get(JAVA_LONG, offset(number) + NEWEST_LSN);
  }

  long milestone(int number) {
    return record(number).get(JAVA_LONG, offset(number) + MILESTONE);
  }

  int below(int number) {
    return record(number).get(JAVA_INT, offset(number) + BELOW);
  }

  /// Orders a key of the table and one given by its parts.
  int compare(int number, long upper, long middle, long lower) {
    return Key.compare(upper(number), middle(number), lower(number), upper, middle, lower);
  }
}
