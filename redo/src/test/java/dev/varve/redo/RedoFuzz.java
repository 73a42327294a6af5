package dev.varve.redo;

import com.sun.management.ThreadMXBean;
import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.FuzzCounts.Outcome;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Gives redo damaged records and pages. Each case follows from its seed alone: one record of the
/// corpus, changed in its parts or its bytes, with a right CRC; what {@link WalDecoder} makes of
/// it; and the changes of its blocks, some damaged once more, applied to pages of which most are
/// damaged, too.
///
/// Page and change lie off the heap, as in the server, between bytes that must stay as they are. A
/// case fails with an {@link AssertionError} when anything but a {@link PageserverException} comes
/// out of redo, or one that was an index out of bounds; when a byte of the change or around it and
/// the page has changed; when one change takes more than 100 ms or 64 KiB of heap (512 KiB if it is
/// an image: the zstd decompressor makes an object for each sequence until it is compiled), three
/// times running.
///
/// Of one thread.
final class RedoFuzz implements AutoCloseable {

  private static final List<PgVersion> VERSIONS = List.of(PgVersion.values());

  private static final int GUARD = 64;
  private static final byte GUARD_BYTE = 0x5A;
  private static final int CHANGE_ROOM = 1 << 20;
  private static final int SEGMENT_SIZE = 16 << 20;
  private static final int WAL_PAGE = 8192;
  private static final int WAL_PAGE_HEADER = 24;

  /// Where each record begins: in the middle of a page's life, later than all pages.
  private static final long START = (1L << 40) + WAL_PAGE + WAL_PAGE_HEADER;

  private static final int MOST_NANOS = 100_000_000;
  private static final int MOST_HEAP = 64 << 10;
  private static final int MOST_HEAP_OF_IMAGE = 512 << 10;
  private static final int ATTEMPTS = 3;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /// {@link Redo#apply}, or something broken on purpose.
  interface Applier {
    void apply(Key key, long lsn, MemorySegment page, MemorySegment change);
  }

  private final FuzzCorpus corpus;
  private final Map<PgVersion, Applier> redos = new EnumMap<>(PgVersion.class);
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment changeRoom = arena.allocate(CHANGE_ROOM);
  private final MemorySegment changeCopy = arena.allocate(CHANGE_ROOM);
  private final MemorySegment pageRoom = arena.allocate(GUARD + Page.SIZE + GUARD, 8);
  private final MemorySegment page = pageRoom.asSlice(GUARD, Page.SIZE);
  private final MemorySegment before = arena.allocate(Page.SIZE, 8);
  private final FuzzCounts counts = new FuzzCounts();

  private long seed;
  private SplittableRandom random = new SplittableRandom();
  private Damage damage;

  /// @param redo makes what applies changes of a version
  RedoFuzz(FuzzCorpus corpus, Function<PgVersion, Applier> redo) {
    this.corpus = corpus;
    this.damage = new Damage(corpus, random);
    for (PgVersion version : VERSIONS) {
      redos.put(version, redo.apply(version));
    }
    pageRoom.fill(GUARD_BYTE);
  }

  FuzzCounts counts() {
    return counts;
  }

  void run(long seed) {
    this.seed = seed;
    random = new SplittableRandom(seed);
    damage = new Damage(corpus, random);
    FuzzCorpus.Source source = corpus.source(random);
    PgVersion version =
        random.nextInt(8) > 0 ? source.version() : VERSIONS.get(random.nextInt(VERSIONS.size()));
    byte[] bytes = damaged(version, source.record());
    try {
      var decoder = new WalDecoder(version, SEGMENT_SIZE, START);
      MemorySegment log = log(version, bytes);
      decoder.feed(log, 0, log.byteSize(), record -> changes(version, record));
      decoder.finish();
    } catch (WalException _) {
      counts.add(bytes[17] & 0xFF, Outcome.REFUSED);
    } catch (RuntimeException e) {
      throw failure("the decoder or ChangeWriter failed", bytes, e);
    }
    if (random.nextInt(8) == 0) {
      change(version, new Key(0, 1663, 5, 16384, 2, 0), otherChange(), START);
    }
  }

  /// A record that differs from the one it was made of.
  private byte[] damaged(PgVersion version, RecordParts original) {
    byte[] whole = original.toBytes(START - 100);
    RecordParts record = original.copy();
    int changes = random.nextInt(4);
    for (int i = 0; i < changes; i++) {
      damage.record(version, record);
    }
    byte[] bytes = record.toBytes(START - 100);
    while (changes == 0 || random.nextInt(4) == 0 || Arrays.equals(bytes, whole)) {
      changes++;
      byte[] body = damage.bytes(Arrays.copyOfRange(bytes, RecordParts.HEADER, bytes.length));
      byte[] head = Arrays.copyOf(bytes, RecordParts.HEADER);
      bytes = Changes.bytes(head, body);
      MemorySegment.ofArray(bytes).set(PgLayout.INT, 0, bytes.length);
      RecordParts.sign(bytes);
    }
    return bytes;
  }

  /// The record as a piece of the log, with the headers of the pages that it goes on on.
  private static MemorySegment log(PgVersion version, byte[] record) {
    byte[] log = {};
    int at = 0;
    int room = WAL_PAGE - WAL_PAGE_HEADER;
    while (true) {
      int length = Math.min(room, record.length - at);
      log = Changes.bytes(log, Arrays.copyOfRange(record, at, at + length));
      at += length;
      if (at == record.length) {
        return MemorySegment.ofArray(Changes.bytes(log, new byte[-record.length & 7]));
      }
      long lsn = START - WAL_PAGE_HEADER + WAL_PAGE * ((long) at / room);
      log =
          Changes.bytes(log, (short) version.walMagic(), (short) 1, 1, lsn, record.length - at, 0);
    }
  }

  private void changes(PgVersion version, WalRecord record) {
    for (int i = 0; i < record.blockCount(); i++) {
      boolean withoutImage = random.nextInt(8) == 0;
      int bound =
          withoutImage
              ? ChangeWriter.sizeBoundWithoutImage(record, i)
              : ChangeWriter.sizeBound(record, i);
      MemorySegment room = changeRoom.asSlice(0, (long) GUARD + bound);
      int length =
          withoutImage
              ? ChangeWriter.writeWithoutImage(record, i, room, GUARD)
              : ChangeWriter.write(record, i, room, GUARD);
      byte[] bytes = room.asSlice(GUARD, length).toArray(PgLayout.BYTE);
      Key key =
          new Key(
              0,
              record.tablespace(i),
              record.database(i),
              record.relation(i),
              record.fork(i),
              record.block(i));
      change(version, key, random.nextInt(4) > 0 ? bytes : damage.bytes(bytes), record.endLsn());
    }
  }

  /// A change that is of no record's block.
  private byte[] otherChange() {
    byte[] bytes = new byte[random.nextInt(1, 200)];
    random.nextBytes(bytes);
    bytes[0] = (byte) random.nextInt(12);
    if (bytes.length > 2 && random.nextBoolean()) {
      // What is left must be numbers of one page, to get far.
      Arrays.fill(bytes, 2, bytes.length, (byte) 1);
      bytes[1] = (byte) random.nextInt(4);
    }
    return bytes;
  }

  private void change(PgVersion version, Key key, byte[] bytes, long lsn) {
    int rmgr = bytes.length < 4 ? 0 : bytes[1] & 0xFF;
    byte[] from =
        bytes.length < 4 || random.nextInt(8) == 0
            ? corpus.page(random)
            : corpus.page(rmgr, bytes[2], bytes[3], random);
    MemorySegment.copy(from, 0, before, PgLayout.BYTE, 0, Page.SIZE);
    for (int i = random.nextInt(3); i > 0; i--) {
      damage.page(before);
    }
    MemorySegment change = place(bytes);
    // Again with a later LSN, as if the next record said the same: now on a page that redo made.
    Outcome outcome = Outcome.PAGE;
    for (int round = 0; round < 3 && outcome == Outcome.PAGE; round++) {
      outcome = apply(version, key, lsn + 8L * round, change, bytes);
      counts.add(rmgr, outcome);
      before.copyFrom(page);
    }
  }

  /// Puts the change between its guards, and all of that aside for comparison.
  private MemorySegment place(byte[] bytes) {
    changeRoom.asSlice(0, GUARD).fill(GUARD_BYTE);
    MemorySegment.copy(bytes, 0, changeRoom, PgLayout.BYTE, GUARD, bytes.length);
    changeRoom.asSlice((long) GUARD + bytes.length, GUARD).fill(GUARD_BYTE);
    MemorySegment.copy(changeRoom, 0, changeCopy, 0, 2L * GUARD + bytes.length);
    return changeRoom.asSlice(GUARD, bytes.length);
  }

  private Outcome apply(PgVersion version, Key key, long lsn, MemorySegment change, byte[] bytes) {
    Applier redo = Objects.requireNonNull(redos.get(version));
    Outcome outcome = Outcome.PAGE;
    long nanos = Long.MAX_VALUE;
    long heap = Long.MAX_VALUE;
    long mostHeap = isImage(bytes) ? MOST_HEAP_OF_IMAGE : MOST_HEAP;
    for (int i = 0; i < ATTEMPTS && (nanos > MOST_NANOS || heap > mostHeap); i++) {
      page.copyFrom(before);
      long heapBefore = THREADS.getCurrentThreadAllocatedBytes();
      long start = System.nanoTime();
      RuntimeException failure = null;
      try {
        redo.apply(key, lsn, page, change);
      } catch (RuntimeException e) {
        failure = e;
      }
      nanos = Math.min(nanos, System.nanoTime() - start);
      heap = Math.min(heap, THREADS.getCurrentThreadAllocatedBytes() - heapBefore);
      outcome = outcome(failure, lsn, bytes);
    }
    if (nanos > MOST_NANOS) {
      throw failure(version + ": redo takes " + nanos / 1_000_000 + " ms", bytes, null);
    }
    if (heap > mostHeap) {
      throw failure(version + ": redo takes " + heap + " bytes of heap", bytes, null);
    }
    requireIntact(bytes);
    return outcome;
  }

  private Outcome outcome(@Nullable RuntimeException failure, long lsn, byte[] bytes) {
    return switch (failure) {
      case null -> isSkipped(lsn, bytes) ? Outcome.SKIPPED : Outcome.PAGE;
      case PageserverException.Unsupported _ -> Outcome.UNSUPPORTED;
      case PageserverException.DataCorrupted e
          when !(e.getCause() instanceof IndexOutOfBoundsException) ->
          Outcome.CORRUPTED;
      default -> throw failure("redo left its bounds", bytes, failure);
    };
  }

  private boolean isSkipped(long lsn, byte[] bytes) {
    return bytes[0] == Change.RECORD
        && (bytes[4] & Change.FLAG_INITIALIZES) == 0
        && Long.compareUnsigned(Page.lsn(before), lsn) >= 0;
  }

  private static boolean isImage(byte[] bytes) {
    return bytes.length > 0 && (bytes[0] == Change.IMAGE || bytes[0] == Change.IMAGE_OF_SPLIT);
  }

  private void requireIntact(byte[] bytes) {
    if (MemorySegment.mismatch(
            changeRoom, 0, 2L * GUARD + bytes.length, changeCopy, 0, 2L * GUARD + bytes.length)
        != -1) {
      throw failure("the change, or what lies around it, was written to", bytes, null);
    }
    for (int i = 0; i < GUARD; i++) {
      if (pageRoom.get(PgLayout.BYTE, i) != GUARD_BYTE
          || pageRoom.get(PgLayout.BYTE, GUARD + Page.SIZE + (long) i) != GUARD_BYTE) {
        throw failure("what lies around the page was written to", bytes, null);
      }
    }
  }

  private AssertionError failure(String what, byte[] bytes, @Nullable Throwable cause) {
    return new AssertionError(
        "%s, in case %d (-Dtest=RedoFuzzTest -Dseed=%2$d runs it alone); bytes %s, page before %s"
            .formatted(
                what,
                seed,
                HexFormat.of().formatHex(bytes, 0, Math.min(bytes.length, 400)),
                HexFormat.of().formatHex(before.asSlice(0, 100).toArray(PgLayout.BYTE))),
        cause);
  }

  @Override
  public void close() {
    arena.close();
  }
}
