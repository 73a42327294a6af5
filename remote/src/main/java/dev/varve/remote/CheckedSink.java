package dev.varve.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// What a store writes through while it reads an object: passes bytes on, counts them, and has
/// their CRC-32C. Of one thread.
public final class CheckedSink {

  private final Sink sink;
  private final CRC32C crc = new CRC32C();
  private long count;

  public CheckedSink(Sink sink) {
    this.sink = sink;
  }

  /// @throws LocalFailure when the sink fails
  public void write(ByteBuffer bytes) throws LocalFailure {
    int length = bytes.remaining();
    crc.update(bytes.duplicate());
    try {
      sink.write(count, bytes);
    } catch (IOException e) {
      throw new LocalFailure(e);
    }
    count += length;
  }

  public long count() {
    return count;
  }

  /// Compares what was read with what was asked for and with what the object should be.
  ///
  /// @param where for the message: the store
  /// @throws StoreException.Damaged if that differs
  public void check(String where, ByteRange range, ObjectState state)
      throws StoreException.Damaged {
    long expected = range.isWhole() ? state.size() : range.length();
    if (count != expected) {
      throw new StoreException.Damaged(
          String.format(
              "%s gives %d bytes of %s instead of %d (%s, the object has %d)",
              where, count, state.name(), expected, range, state.size()));
    }
    boolean all = range.offset() == 0 && count == state.size();
    if (all && state.crc32c().isPresent() && state.crc32c().getAsInt() != (int) crc.getValue()) {
      throw new StoreException.Damaged(
          String.format(
              "%s gives other bytes of %s than were put there: their CRC-32C is %08x, not %08x",
              where, state.name(), (int) crc.getValue(), state.crc32c().getAsInt()));
    }
  }
}
