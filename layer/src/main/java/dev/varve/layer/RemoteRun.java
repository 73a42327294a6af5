package dev.varve.layer;

import dev.varve.model.Key;
import org.jspecify.annotations.Nullable;

/// What a cursor has read ahead of a layer whose file is not here: data blocks that follow each
/// other, in ranges that become longer while it goes on. For one thread at a time.
final class RemoteRun {

  private static final int FIRST_BYTES = 1 << 16;

  /// Each range is so much longer than the one before.
  private static final int GROWTH = 4;

  private final Key end;
  private int most = FIRST_BYTES;
  private byte @Nullable [] bytes;
  private long start;

  /// @param end where the cursor ends, excluded
  RemoteRun(Key end) {
    this.end = end;
  }

  /// The bytes that were read last, if a block is among them.
  byte @Nullable [] bytesOf(FileBlocks.Place place) {
    byte[] last = bytes;
    return last != null
            && place.offset() >= start
            && place.offset() + place.length() <= start + last.length
        ? last
        : null;
  }

  /// Where they begin in the file.
  long start() {
    return start;
  }

  void set(long newStart, byte[] newBytes) {
    start = newStart;
    bytes = newBytes;
  }

  /// How many bytes are to be read next: the block of an index entry, and others behind it that the
  /// cursor will come to. The next range may be longer.
  int nextLength(IndexBlock leaf, int first, long fileSize) {
    long at = leaf.offset(first) + leaf.length(first);
    for (int i = first + 1; i < leaf.count(); i++) {
      long next = at + leaf.length(i);
      if (leaf.offset(i) != at
          || !FileBlocks.isPlace(at, leaf.length(i), leaf.unpacked(i), fileSize)
          || next - leaf.offset(first) > most
          || Key.compare(
                  leaf.upper(i),
                  leaf.middle(i),
                  leaf.lower(i),
                  end.upper(),
                  end.middle(),
                  end.lower())
              >= 0) {
        break;
      }
      at = next;
    }
    most = Math.min(RemoteRanges.MOST_BYTES, most * GROWTH);
    return (int) (at - leaf.offset(first));
  }
}
