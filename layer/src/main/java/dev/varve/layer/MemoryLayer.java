package dev.varve.layer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.VersionBytes;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/// A layer in memory: *open* while one thread writes it, then *frozen*; any number of threads read
/// it in both states without locks. A hot class: putting and finding allocate nothing on the heap,
/// but for the table of keys when it grows, and a view of the bytes for a version that is found.
///
/// Versions are entries in memory outside the heap, chained from a key's newest to its oldest. An
/// entry, in native byte order, aligned to 8 bytes:
///
/// | offset | length | field                                     |
/// |--------|--------|-------------------------------------------|
/// | 0      | 8      | address of the next older entry; 0: none  |
/// | 8      | 8      | address of an entry up to 64 further; 0: none |
/// | 16     | 8      | LSN                                       |
/// | 24     | 4      | length of the bytes                       |
/// | 28     | 4      | flags: 1 is an image, 2 initializes; times 4, how many entries are below |
/// | 32     | length | the bytes                                 |
///
/// An entry never changes once a reader can see it: it is written whole, then the key's "newest"
/// address is released to it. Putting the same key at the same LSN again makes an entry that stands
/// in the older one's place in the chain; the older one stays behind, unreachable to new readers.
/// Every 64th entry from the oldest on is a milestone, and the second address is that of the next
/// older milestone: reading a key of very many versions at an old LSN goes from one to the next.
///
/// The memory is freed with the last reference ({@link #acquire()}). A call on a layer that is gone
/// is an IllegalStateException, never a look at foreign memory.
public final class MemoryLayer implements Layer {

  /// The most bytes that one version may have, here and in files.
  public static final int MOST_BYTES = LayerFormat.MOST_BYTES;

  /// What a version takes in memory beside its own bytes.
  static final int HEADER = 32;

  private static final int MILESTONE = 8;
  private static final int LSN = 16;
  private static final int LENGTH = 24;
  private static final int FLAGS = 28;
  private static final int MILESTONES_MASK = 63;
  private static final int IMAGE = 1;
  private static final int INITIALIZES = 2;

  private static final VarHandle BYTES;
  private static final VarHandle VERSIONS;

  static {
    try {
      var lookup = MethodHandles.lookup();
      BYTES = lookup.findVarHandle(MemoryLayer.class, "bytes", long.class);
      VERSIONS = lookup.findVarHandle(MemoryLayer.class, "versions", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Lsn start;
  private final MemoryChunks chunks;
  private final KeyTable keys;
  private final References references = new References(this::free);
  private final CopiedBytes copy = new CopiedBytes();
  private long bytes; // written opaquely by the writer, read so by others
  private long versions;
  private long highest;
  private volatile @Nullable Lsn end;
  private volatile int @Nullable [] sorted;

  /// Bytes that are somewhere already. Of the writer.
  private static final class CopiedBytes implements VersionBytes {
    private MemorySegment source = MemorySegment.NULL;
    private long offset;
    private int length;

    void set(MemorySegment from, long at, int bytes) {
      source = from;
      offset = at;
      length = bytes;
    }

    @Override
    public int write(MemorySegment target, long to) {
      MemorySegment.copy(source, offset, target, to, length);
      return length;
    }
  }

  /// An open layer.
  ///
  /// @param startLsn no version has a lower LSN
  /// @param budget what the layer's memory is taken from, and given back to when the layer is
  ///   freed; putting never waits for it
  public MemoryLayer(long startLsn, MemoryBudget budget) {
    this.start = new Lsn(startLsn);
    this.highest = startLsn;
    this.chunks = new MemoryChunks(budget);
    this.keys = new KeyTable(chunks);
  }

  /// Adds a version. A key's versions come in the order of their LSNs; the same LSN again replaces
  /// what was put there. For the one thread that writes.
  ///
  /// @param upper the key's {@link Key#upper()}; `middle` and `lower` likewise
  /// @param image whether the bytes are the whole value; an image always initializes
  /// @param source is copied from `offset` on, `length` bytes, at most {@link #MOST_BYTES}
  /// @throws IllegalStateException when the layer is frozen
  /// @throws IllegalArgumentException when the LSN is below the layer's start, or below one that
  ///   the key already has
  public void put(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean image,
      boolean initializes,
      MemorySegment source,
      long offset,
      int length) {
    copy.set(source, offset, length);
    put(upper, middle, lower, lsn, image, initializes, length, copy);
  }

  /// Adds a version as the other method does, and has its bytes written in place.
  ///
  /// @param most that many bytes are written at most
  /// @throws IllegalStateException also when more were written; the version is not added then
  public void put(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean image,
      boolean initializes,
      int most,
      VersionBytes bytesToPut) {
    requireWritable(lsn, most);
    int key = keys.find(upper, middle, lower);
    long older = 0;
    long milestone = 0;
    int below = 0;
    if (key >= 0) {
      older = keys.newest(key);
      milestone = keys.milestone(key);
      below = keys.below(key);
      if (isAgain(key, lsn)) {
        older = older(older); // the new one has the place of the newest
      } else {
        milestone = (below & MILESTONES_MASK) == 0 ? older : milestone;
        below++;
      }
    }
    long address = chunks.allocate((long) HEADER + most);
    MemorySegment chunk = chunks.chunk(address);
    long at = MemoryChunks.offset(address);
    int length = bytesToPut.write(chunk, at + HEADER);
    if (length != most) {
      if (length < 0 || length > most) {
        throw new IllegalStateException(length + " bytes were written of at most " + most);
      }
      chunks.trim(address, (long) HEADER + most, (long) HEADER + length);
    }
    int flags = image ? IMAGE | INITIALIZES : initializes ? INITIALIZES : 0;
    chunk.set(JAVA_LONG, at, older);
    chunk.set(JAVA_LONG, at + MILESTONE, milestone);
    chunk.set(JAVA_LONG, at + LSN, lsn);
    chunk.set(JAVA_INT, at + LENGTH, length);
    chunk.set(JAVA_INT, at + FLAGS, below << 2 | flags);
    if (key < 0) {
      keys.add(upper, middle, lower, address, lsn);
    } else {
      keys.setNewest(key, address, lsn, milestone, below);
    }
    if (Long.compareUnsigned(lsn, highest) > 0) {
      highest = lsn;
    }
    BYTES.setOpaque(this, bytes + HEADER + length);
    VERSIONS.setOpaque(this, versions + 1);
  }

  private void requireWritable(long lsn, int length) {
    if (end != null) {
      throw new IllegalStateException("put into a frozen layer at " + Lsn.format(lsn));
    }
    if (length < 0 || length > MOST_BYTES) {
      throw new IllegalArgumentException(
          "a version has 0 to " + MOST_BYTES + " bytes, not " + length);
    }
    if (Long.compareUnsigned(lsn, start.value()) < 0) {
      throw new IllegalArgumentException(
          Lsn.format(lsn) + " is below the start of the layer, " + start);
    }
  }

  /// Whether the key's newest entry has this LSN.
  private boolean isAgain(int key, long lsn) {
    int order = Long.compareUnsigned(lsn, keys.newestLsn(key));
    if (order < 0) {
      Key name = Key.of(keys.upper(key), keys.middle(key), keys.lower(key));
      throw new IllegalArgumentException(
          Lsn.format(lsn) + " is below a version that " + name + " already has");
    }
    return order == 0;
  }

  private long milestone(long address) {
    return chunks.chunk(address).get(JAVA_LONG, MemoryChunks.offset(address) + MILESTONE);
  }

  /// Ends writing.
  ///
  /// @param endLsn above the LSN of every version put
  public void freeze(long endLsn) {
    if (end != null) {
      throw new IllegalStateException("frozen already");
    }
    boolean above = versions() == 0 || Long.compareUnsigned(endLsn, highest) > 0;
    if (!above || Long.compareUnsigned(endLsn, start.value()) <= 0) {
      throw new IllegalArgumentException(
          "frozen at " + Lsn.format(endLsn) + ", but goes up to " + Lsn.format(highest));
    }
    end = new Lsn(endLsn);
  }

  public boolean isFrozen() {
    return end != null;
  }

  /// What was put, with what each version takes beside its own bytes: depends on the calls of
  /// {@link #put} alone.
  public long bytes() {
    return (long) BYTES.getOpaque(this);
  }

  /// How often {@link #put} was called.
  public long versions() {
    return (long) VERSIONS.getOpaque(this);
  }

  /// How many different keys there are.
  public int keyCount() {
    return keys.count();
  }

  @Override
  public KeyRange keys() {
    return KeyRange.ALL;
  }

  @Override
  public LsnRange lsns() {
    Lsn frozen = end;
    return new LsnRange(start, frozen == null ? Lsn.MAX : frozen);
  }

  @Override
  public boolean find(long upper, long middle, long lower, long floor, long end, VersionSink sink) {
    int key = keys.find(upper, middle, lower);
    if (key < 0) {
      return false;
    }
    for (long address = newestBefore(keys.newest(key), end); address != 0; ) {
      MemorySegment chunk = chunks.chunk(address);
      long at = MemoryChunks.offset(address);
      long lsn = chunk.get(JAVA_LONG, at + LSN);
      if (Long.compareUnsigned(lsn, floor) < 0) {
        return false;
      }
      if (sink.add(lsn, isImage(address), initializes(address), bytes(address))) {
        return true;
      }
      address = chunk.get(JAVA_LONG, at);
    }
    return false;
  }

  /// The first entry from `newest` on that is below `end`; 0: none.
  private long newestBefore(long newest, long end) {
    long address = newest;
    while (address != 0 && Long.compareUnsigned(lsn(address), end) >= 0) {
      long milestone = milestone(address);
      boolean far = milestone != 0 && Long.compareUnsigned(lsn(milestone), end) >= 0;
      address = far ? milestone : older(address);
    }
    return address;
  }

  @Override
  public LayerCursor cursor(KeyRange range) {
    if (!acquire()) {
      throw new IllegalStateException("the layer is closed");
    }
    try {
      int[] order = sorted;
      if (order == null) {
        boolean whole = end != null;
        order = KeySort.sort(keys, whole ? KeyRange.ALL : range);
        if (whole) {
          sorted = order; // nothing will be added: later cursors can use it
        }
      }
      return new MemoryCursor(this, keys, order, range);
    } catch (Throwable e) {
      release();
      throw e;
    }
  }

  long older(long address) {
    return chunks.chunk(address).get(JAVA_LONG, MemoryChunks.offset(address));
  }

  /// How many entries are below one in its chain.
  int below(long address) {
    return flags(address) >>> 2;
  }

  /// Reads the beginning and the end of an entry.
  int touch(long address) {
    MemorySegment chunk = chunks.chunk(address);
    long at = MemoryChunks.offset(address);
    return chunk.get(JAVA_BYTE, at + HEADER + chunk.get(JAVA_INT, at + LENGTH) - 1);
  }

  long lsn(long address) {
    return chunks.chunk(address).get(JAVA_LONG, MemoryChunks.offset(address) + LSN);
  }

  boolean isImage(long address) {
    return (flags(address) & IMAGE) != 0;
  }

  boolean initializes(long address) {
    return (flags(address) & INITIALIZES) != 0;
  }

  private int flags(long address) {
    return chunks.chunk(address).get(JAVA_INT, MemoryChunks.offset(address) + FLAGS);
  }

  MemorySegment bytes(long address) {
    return memory(address).asSlice(offset(address), length(address));
  }

  /// The memory that has the bytes, to be read only.
  MemorySegment memory(long address) {
    return chunks.view(address);
  }

  /// Where in {@link #memory} the bytes begin.
  static long offset(long address) {
    return MemoryChunks.offset(address) + HEADER;
  }

  int length(long address) {
    return chunks.chunk(address).get(JAVA_INT, MemoryChunks.offset(address) + LENGTH);
  }

  @Override
  public boolean acquire() {
    return references.acquire();
  }

  @Override
  public void release() {
    references.release();
  }

  @Override
  public void close() {
    references.close();
  }

  private void free() {
    chunks.free();
  }

  @Override
  public String toString() {
    return (isFrozen() ? "frozen" : "open") + " layer from " + start;
  }
}
