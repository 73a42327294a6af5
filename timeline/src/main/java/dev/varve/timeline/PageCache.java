package dev.varve.timeline;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/// Pages that were made of their versions, off the heap; shared by all timelines of a process,
/// bounded in bytes. A hot class: any thread may call any method, nobody waits, nothing is
/// allocated.
///
/// An entry says: the newest version of this key with an LSN up to `upTo` has the LSN `from`, and
/// these are the 8192 bytes of the page with it. That stays true whatever happens to layers, so
/// nothing is ever invalidated. A read as of an LSN in `[from, upTo]` has its page at once; a read
/// above begins with the page, and needs only versions above `upTo`; a read below is not helped.
/// Entries belong to an *owner*: a timeline as it is open now, since ids can come again.
///
/// Frames of 8192 bytes are in sets of eight, and a key's entries (of several LSNs, perhaps) are in
/// the set that its hash says. Of a frame there are eight `long`s; those of a set lie field by
/// field, so that a look for a key that is not there reads one cache line:
///
/// | field      | what it is                                                        |
/// |------------|-------------------------------------------------------------------|
/// | `HASH`     | hash of owner and key; 0: nothing is in the frame                 |
/// | `SEQUENCE` | odd while the frame is written, another one afterwards            |
/// | `OWNER`    | whose page                                                        |
/// | `UPPER` …  | the key, three fields                                             |
/// | `FROM`     | LSN of the newest version in the page                             |
/// | `UP_TO`    | up to here there is no newer one; grows without a new sequence    |
///
/// Readers copy first and then look whether the sequence is still the same. Who writes holds the
/// lock of the set, or, when another does, gives up: the page is then not kept.
///
/// A page comes in with a count of 0, and each read that uses it counts up to 3. In a full set one
/// with count 0 goes; only when there is none, or after each sixteenth page that comes in, all
/// counts go down. So pages that are read once, as by a base backup, drive out each other, and the
/// others only when those are not read in the meantime.
public final class PageCache {

  /// No LSN of a page.
  static final long NONE = -1;

  private static final int PAGE_BYTES = PageBuilder.PAGE_BYTES;
  private static final int WAYS = 8;
  private static final int FIELDS = 8;
  private static final int HASH = 0;
  private static final int SEQUENCE = WAYS;
  private static final int OWNER = 2 * WAYS;
  private static final int UPPER = 3 * WAYS;
  private static final int MIDDLE = 4 * WAYS;
  private static final int LOWER = 5 * WAYS;
  private static final int FROM = 6 * WAYS;
  private static final int UP_TO = 7 * WAYS;

  private static final int MOST_COUNT = 3;
  private static final int AGE_EVERY = 2 * WAYS;

  /// How often a read looks again that met a page while it was replaced.
  private static final int ATTEMPTS = 3;

  private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

  /// What a read found. Of one thread.
  static final class Hit {
    long from;
    long upTo;
    private long sequence;
  }

  private final int sets;
  private final MemorySegment frames;
  private final long[] fields;
  private final byte[] counts;

  /// Per set, how many pages came in.
  private final int[] arrivals;

  private final AtomicIntegerArray locks;
  private final AtomicLong lastOwner = new AtomicLong();
  private final AtomicLong used = new AtomicLong();
  private final LongAdder hits = new LongAdder();
  private final LongAdder baseHits = new LongAdder();
  private final LongAdder misses = new LongAdder();

  /// @param limit in bytes; less than a set of pages: nothing is kept
  PageCache(long limit) {
    sets = (int) Math.min(limit / (WAYS * PAGE_BYTES), Integer.MAX_VALUE / (WAYS * FIELDS));
    frames = Arena.ofAuto().allocate((long) sets * WAYS * PAGE_BYTES, Long.BYTES * WAYS);
    fields = new long[sets * WAYS * FIELDS];
    counts = new byte[sets * WAYS];
    arrivals = new int[sets];
    locks = new AtomicIntegerArray(sets);
  }

  /// A number that no other owner of this process has.
  long newOwner() {
    return lastOwner.incrementAndGet();
  }

  private static long hash(long owner, long upper, long middle, long lower) {
    long h = ((owner * 0x9E37_79B9_7F4A_7C15L) ^ upper) * 0xD6E8_FEB8_6659_FD93L;
    h = (h ^ (h >>> 32) ^ middle) * 0xC2B2_AE3D_27D4_EB4FL;
    h = (h ^ (h >>> 29) ^ lower) * 0xD6E8_FEB8_6659_FD93L;
    return (h ^ (h >>> 32)) | 1;
  }

  private int setOf(long hash) {
    return (int) (((hash >>> 32) * sets) >>> 32);
  }

  private static int fieldsOf(int set) {
    return set * (WAYS * FIELDS);
  }

  /// Copies the newest page of the key that there is as of `lsn`.
  ///
  /// @param target undefined when there is none
  /// @param hit is told which one it is
  /// @return whether there is one; perhaps not up to `lsn`
  boolean get(
      long owner, long upper, long middle, long lower, long lsn, MemorySegment target, Hit hit) {
    if (sets == 0) {
      return false;
    }
    long hash = hash(owner, upper, middle, lower);
    int set = setOf(hash);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      int way = newest(fieldsOf(set), hash, owner, upper, middle, lower, lsn, hit);
      if (way < 0) {
        break;
      }
      int frame = set * WAYS + way;
      MemorySegment.copy(frames, (long) frame * PAGE_BYTES, target, 0, PAGE_BYTES);
      VarHandle.acquireFence();
      if ((long) LONGS.getOpaque(fields, fieldsOf(set) + SEQUENCE + way) == hit.sequence) {
        int count = counts[frame];
        if (count < MOST_COUNT) {
          counts[frame] = (byte) (count + 1);
        }
        (Long.compareUnsigned(lsn, hit.upTo) <= 0 ? hits : baseHits).increment();
        return true;
      }
    }
    misses.increment();
    return false;
  }

  /// @return its way, or -1
  private int newest(
      int at, long hash, long owner, long upper, long middle, long lower, long lsn, Hit hit) {
    int best = -1;
    for (int way = 0; way < WAYS; way++) {
      int i = at + way;
      if ((long) LONGS.getOpaque(fields, i + HASH) != hash) {
        continue;
      }
      long sequence = (long) LONGS.getAcquire(fields, i + SEQUENCE);
      boolean same = isOf(i, owner, upper, middle, lower);
      long from = fields[i + FROM];
      long upTo = (long) LONGS.getOpaque(fields, i + UP_TO);
      VarHandle.acquireFence();
      if ((sequence & 1) == 0
          && (long) LONGS.getOpaque(fields, i + SEQUENCE) == sequence
          && same
          && Long.compareUnsigned(from, lsn) <= 0
          && (best < 0 || Long.compareUnsigned(from, hit.from) > 0)) {
        best = way;
        hit.sequence = sequence;
        hit.from = from;
        hit.upTo = upTo;
      }
    }
    return best;
  }

  private boolean isOf(int i, long owner, long upper, long middle, long lower) {
    return fields[i + OWNER] == owner
        && fields[i + LOWER] == lower
        && fields[i + MIDDLE] == middle
        && fields[i + UPPER] == upper;
  }

  /// Keeps a page, or, when it is there, that it holds up to `upTo`.
  ///
  /// @param upTo at most the owner's last record LSN at the time when the layer map was taken
  /// @param base `from` of the entry that the page was made of, which it replaces; or {@link #NONE}
  void put(
      long owner,
      long upper,
      long middle,
      long lower,
      long from,
      long upTo,
      long base,
      MemorySegment page) {
    if (sets == 0) {
      return;
    }
    long hash = hash(owner, upper, middle, lower);
    int set = setOf(hash);
    if (!locks.compareAndSet(set, 0, 1)) {
      return;
    }
    try {
      int at = fieldsOf(set);
      int way = wayOf(at, hash, owner, upper, middle, lower, from);
      if (way >= 0) {
        if (Long.compareUnsigned(fields[at + UP_TO + way], upTo) < 0) {
          LONGS.setOpaque(fields, at + UP_TO + way, upTo);
        }
        return;
      }
      way = base == NONE ? -1 : wayOf(at, hash, owner, upper, middle, lower, base);
      if (way < 0) {
        way = free(set);
      }
      int i = at + way;
      long sequence = fields[i + SEQUENCE];
      LONGS.setOpaque(fields, i + SEQUENCE, sequence + 1);
      VarHandle.fullFence();
      LONGS.setOpaque(fields, i + HASH, hash);
      fields[i + OWNER] = owner;
      fields[i + UPPER] = upper;
      fields[i + MIDDLE] = middle;
      fields[i + LOWER] = lower;
      fields[i + FROM] = from;
      LONGS.setOpaque(fields, i + UP_TO, upTo);
      MemorySegment.copy(page, 0, frames, (long) (set * WAYS + way) * PAGE_BYTES, PAGE_BYTES);
      LONGS.setRelease(fields, i + SEQUENCE, sequence + 2);
    } finally {
      locks.set(set, 0);
    }
  }

  private int wayOf(int at, long hash, long owner, long upper, long middle, long lower, long from) {
    for (int way = 0; way < WAYS; way++) {
      int i = at + way;
      if (fields[i + HASH] == hash
          && fields[i + FROM] == from
          && isOf(i, owner, upper, middle, lower)) {
        return way;
      }
    }
    return -1;
  }

  /// Chooses a frame for a new page. The set is locked.
  private int free(int set) {
    int first = arrivals[set]++;
    if (first % AGE_EVERY == AGE_EVERY - 1) {
      age(set);
    }
    while (true) {
      for (int i = 0; i < WAYS; i++) {
        int way = first + i & WAYS - 1;
        boolean empty = fields[fieldsOf(set) + HASH + way] == 0;
        if (empty || counts[set * WAYS + way] == 0) {
          counts[set * WAYS + way] = 0;
          if (empty) {
            used.incrementAndGet();
          }
          return way;
        }
      }
      age(set);
    }
  }

  private void age(int set) {
    for (int frame = set * WAYS; frame < (set + 1) * WAYS; frame++) {
      if (counts[frame] > 0) {
        counts[frame]--;
      }
    }
  }

  /// Bytes of pages that it may hold.
  public long limit() {
    return (long) sets * WAYS * PAGE_BYTES;
  }

  /// Bytes of pages that it holds.
  public long bytes() {
    return used.get() * PAGE_BYTES;
  }

  /// How often the page was there as of the LSN that was asked for.
  public long hits() {
    return hits.sum();
  }

  /// How often it was there as of an earlier LSN, and redo began with it.
  public long baseHits() {
    return baseHits.sum();
  }

  /// How often it was not there; a read of a branch may count once for each of its ancestors.
  public long misses() {
    return misses.sum();
  }
}
