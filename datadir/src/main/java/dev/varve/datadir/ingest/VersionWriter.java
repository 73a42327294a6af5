package dev.varve.datadir.ingest;

import static dev.varve.datadir.DirectoryKeys.PAGE;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.VersionBytes;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.ChangeWriter;
import dev.varve.timeline.ScanSink;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Writes what the record at hand does, at its LSN. Hot: nothing is allocated per call, but for
/// values. Of one thread.
///
/// A page that a record needs before it changes it (one past the end of its relation, say) is
/// written one byte before the record's LSN. No record ends there, since none is shorter than 24
/// bytes; so the page is there for redo of this record, and in no state that anyone asks for.
final class VersionWriter {

  private static final int SMALL = 64;
  private static final MemorySegment NOTHING = MemorySegment.ofArray(new byte[0]);

  /// What a block of the record at hand does to its page.
  private static final class BlockChange implements VersionBytes {
    private @Nullable WalRecord record;
    private int block;

    @Override
    public int write(MemorySegment target, long offset) {
      return ChangeWriter.write(Objects.requireNonNull(record), block, target, offset);
    }
  }

  private final VersionStore store;
  private final BlockChange change = new BlockChange();
  private final MemorySegment small = MemorySegment.ofArray(new byte[SMALL]);
  private MemorySegment scratch = MemorySegment.ofArray(new byte[2 * Page.SIZE]);
  private long lsn;
  private long finished;
  private long published;

  VersionWriter(VersionStore store) {
    this.store = store;
    this.lsn = store.start().value();
    this.finished = lsn;
    this.published = lsn;
  }

  /// From here on all is written at `lsn`, the end of a record.
  void begin(long lsn) {
    this.lsn = lsn;
  }

  /// The record is written whole.
  void end() {
    finished = lsn;
  }

  /// The end of the record at hand.
  long lsn() {
    return lsn;
  }

  /// The end of the last record that is written whole.
  long finished() {
    return finished;
  }

  /// Makes all records that are written whole visible, and so durable some time.
  void publish() {
    if (finished != published) {
      store.advance(finished);
      published = finished;
    }
  }

  /// What the block with index `i` of the record does to its page.
  void block(WalRecord record, int i) {
    change.record = record;
    change.block = i;
    store.change(
        Key.upper(PAGE, record.tablespace(i)),
        Key.middle(record.database(i), record.relation(i)),
        Key.lower(record.fork(i), record.block(i)),
        lsn,
        ChangeWriter.initializes(record, i),
        ChangeWriter.sizeBound(record, i),
        change);
  }

  /// A segment of at least that many bytes to make a change in.
  MemorySegment scratch(int bytes) {
    if (scratch.byteSize() < bytes) {
      scratch = MemorySegment.ofArray(new byte[Integer.highestOneBit(bytes - 1) * 2]);
    }
    return scratch;
  }

  /// What {@link #scratch} holds happens to a page that has been there before.
  void change(long upper, long middle, long lower, int length) {
    store.change(upper, middle, lower, lsn, false, scratch, 0, length);
  }

  /// The page becomes zero.
  void zeroPage(long upper, long middle, long lower) {
    int length = ChangeWriter.zeroPage(small, 0);
    store.change(upper, middle, lower, lsn, true, small, 0, length);
  }

  /// The page is zero before the record at hand changes it.
  void zeroPageBefore(long upper, long middle, long lower) {
    int length = ChangeWriter.zeroPage(small, 0);
    store.change(upper, middle, lower, lsn - 1, true, small, 0, length);
  }

  /// The page becomes these 8192 bytes.
  void page(Key key, MemorySegment page) {
    store.image(key.upper(), key.middle(), key.lower(), lsn, page, 0, Page.SIZE);
  }

  void value(Key key, byte[] bytes) {
    store.image(
        key.upper(), key.middle(), key.lower(), lsn, MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  /// A value that the record's own bytes hold.
  void value(Key key, MemorySegment bytes, long offset, int length) {
    store.image(key.upper(), key.middle(), key.lower(), lsn, bytes, offset, length);
  }

  /// A value as of the record at hand.
  void image(long upper, long middle, long lower, MemorySegment bytes, long offset, int length) {
    store.image(upper, middle, lower, lsn, bytes, offset, length);
  }

  /// Values as of the record at hand, more than should be kept in memory until it is done.
  void images(Consumer<VersionStore.ImageTaker> source) {
    store.images(lsn, source);
  }

  void intValue(long upper, long middle, long lower, int value) {
    small.set(PgLayout.INT, 0, value);
    store.image(upper, middle, lower, lsn, small, 0, Integer.BYTES);
  }

  void longValue(long upper, long middle, long lower, long value) {
    small.set(PgLayout.LONG, 0, value);
    store.image(upper, middle, lower, lsn, small, 0, Long.BYTES);
  }

  /// A number in the history of a key, all of which is of interest.
  void longChange(long upper, long middle, long lower, long value) {
    small.set(PgLayout.LONG, 0, value);
    store.change(upper, middle, lower, lsn, false, small, 0, Long.BYTES);
  }

  /// What the key named is gone.
  void remove(long upper, long middle, long lower) {
    store.image(upper, middle, lower, lsn, NOTHING, 0, 0);
  }

  void remove(Key key) {
    remove(key.upper(), key.middle(), key.lower());
  }

  /// The newest value, including what the record at hand wrote; null: there is none.
  byte @Nullable [] newest(Key key) {
    return store.value(key);
  }

  /// Whether there is a value.
  boolean exists(Key key) {
    return newest(key) != null;
  }

  /// Scans values as the last record left them.
  void scan(KeyRange keys, ScanSink sink) {
    publish();
    store.scan(keys, sink);
  }

  /// Reads a page as the last record left it.
  void read(Key key, MemorySegment target) {
    publish();
    store.page(key, target);
  }
}
