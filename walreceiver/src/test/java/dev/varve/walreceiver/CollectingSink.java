package dev.varve.walreceiver;

import dev.varve.model.Lsn;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// Keeps all WAL in memory, across sinks; refuses a gap and a repeat. Says that it is on PostgreSQL
/// timeline 1, whatever came.
final class CollectingSink implements WalSink.Source {

  private final long start;
  private byte[] bytes = new byte[1 << 20];
  private int length;
  private volatile long flushed;
  private int sinks;
  private boolean failsAlways;
  private int failAfter = -1;

  CollectingSink(Lsn start) {
    this.start = start.value();
    flushed = this.start;
  }

  @Override
  public synchronized WalSink open() {
    sinks++;
    return new Part();
  }

  synchronized Lsn end() {
    return new Lsn(start + length);
  }

  synchronized byte[] bytes() {
    return Arrays.copyOf(bytes, length);
  }

  synchronized int sinks() {
    return sinks;
  }

  /// All that has come is durable from now on.
  void flush() {
    flushed = end().value();
  }

  /// The next sink's feed fails once, when this many more bytes have come.
  synchronized void failAfter(int more) {
    failAfter = more;
  }

  /// Every feed fails from now on.
  synchronized void failAlways() {
    failsAlways = true;
  }

  private synchronized void append(long lsn, MemorySegment wal, long offset, int count) {
    if (lsn != start + length) {
      throw new AssertionError("fed " + Lsn.format(lsn) + " after " + end());
    }
    if (failsAlways) {
      throw new IllegalStateException("this record is poison");
    }
    if (failAfter >= 0 && (failAfter -= count) < 0) {
      throw new IllegalStateException("this record is poison");
    }
    if (length + count > bytes.length) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + count));
    }
    MemorySegment.copy(wal, ValueLayout.JAVA_BYTE, offset, bytes, length, count);
    length += count;
  }

  private final class Part implements WalSink {

    private boolean open = true;

    @Override
    public long start() {
      return end().value();
    }

    @Override
    public void feed(long lsn, MemorySegment wal, long offset, int count) {
      if (!open) {
        throw new AssertionError("fed after it was closed");
      }
      append(lsn, wal, offset, count);
    }

    @Override
    public long applied() {
      return end().value();
    }

    @Override
    public int tli() {
      return 1;
    }

    @Override
    public long flushed() {
      return flushed;
    }

    @Override
    public void close() {
      open = false;
    }
  }
}
