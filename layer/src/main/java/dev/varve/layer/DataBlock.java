package dev.varve.layer;

import dev.varve.model.Key;
import java.lang.foreign.MemorySegment;

/// Versions of keys that follow each other: the block that layer files are made of. A hot class:
/// finding allocates one view for each version found.
///
/// | length | field                                                                      |
/// |--------|----------------------------------------------------------------------------|
/// | sum    | the bytes of all versions, ordered by key, then LSN                        |
/// | `k`    | key section: an entry for each key, ascending                              |
/// | 4      | number of keys, at least 1                                                 |
/// | 4      | `k`, the length of the key section                                         |
/// | 8      | base LSN: the lowest in the block                                          |
///
/// An entry of the key section, of varints ({@link Encoding}) but for one field:
///
/// | field                                                                              |
/// |------------------------------------------------------------------------------------|
/// | how much `lower` is above that of the key before, if the rest of the key is equal; otherwise 0, how much `upper` is above that of the key before (before the first: 0), `middle` (8 bytes), `lower` |
/// | number of versions, at least 1                                                     |
/// | length of what follows the next field                                              |
/// | length of the bytes of all its versions                                            |
/// | for each version, newest first: how far its LSN is below the version before, for the newest how far above the base LSN; then the length of its bytes, times 4, + 1 for an image, + 2 if it initializes |
///
/// A search reads past the keys it does not want, one or two bytes a field, and never touches their
/// versions; the wanted key's versions then come newest first, as readers want them.
final class DataBlock implements CachedBlock {

  static final int TRAILER = 16;
  static final int IMAGE = 1;
  static final int INITIALIZES = 2;

  /// What a search in one block came to.
  enum Outcome {
    /// The sink wants no more.
    ENOUGH,
    /// There may be older versions in the block before.
    OLDER,
    /// All further versions are below the floor.
    FLOOR
  }

  private final byte[] bytes;
  private final int length;
  private final MemorySegment view;

  private DataBlock(byte[] bytes, int length, MemorySegment view) {
    this.bytes = bytes;
    this.length = length;
    this.view = view;
  }

  @Override
  public byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  MemorySegment view() {
    return view;
  }

  /// Checks all lengths and the order of a block, so that reading it need not.
  static DataBlock of(byte[] bytes, int length) throws MalformedBlockException {
    var block = new DataBlock(bytes, length, MemorySegment.ofArray(bytes).asReadOnly());
    DataBlockCheck.check(block);
    return block;
  }

  int keyCount() {
    return Encoding.getInt(bytes, length - 16);
  }

  int keySectionLength() {
    return Encoding.getInt(bytes, length - 12);
  }

  int keySection() {
    return length - TRAILER - keySectionLength();
  }

  long baseLsn() {
    return Encoding.getLong(bytes, length - 8);
  }

  /// Gives `sink` the versions of a key with `floor <= LSN < end` in this block, newest first.
  Outcome find(long upper, long middle, long lower, long floor, long end, VersionSink sink) {
    long u = 0;
    long m = 0;
    long l = 0;
    int payload = 0;
    int at = keySection();
    for (int left = keyCount(); left > 0; left--) {
      long step = Encoding.getVarint(bytes, at);
      at = Encoding.skipVarint(bytes, at);
      if (step != 0) {
        l += step;
      } else {
        u += Encoding.getVarint(bytes, at);
        at = Encoding.skipVarint(bytes, at);
        m = Encoding.getLong(bytes, at);
        l = Encoding.getVarint(bytes, at + 8);
        at = Encoding.skipVarint(bytes, at + 8);
      }
      int order = Key.compare(u, m, l, upper, middle, lower);
      if (order > 0) {
        return Outcome.OLDER;
      }
      int countAt = at;
      at = Encoding.skipVarint(bytes, at);
      int section = (int) Encoding.getVarint(bytes, at);
      at = Encoding.skipVarint(bytes, at);
      payload += (int) Encoding.getVarint(bytes, at);
      at = Encoding.skipVarint(bytes, at);
      if (order == 0) {
        int count = (int) Encoding.getVarint(bytes, countAt);
        return versions(at, count, payload, floor, end, sink);
      }
      at += section;
    }
    return Outcome.OLDER;
  }

  /// @param payloadEnd where the bytes of the newest version end
  private Outcome versions(
      int section, int count, int payloadEnd, long floor, long end, VersionSink sink) {
    int at = section;
    int bytesEnd = payloadEnd;
    long lsn = 0;
    for (int i = 0; i < count; i++) {
      long step = Encoding.getVarint(bytes, at);
      at = Encoding.skipVarint(bytes, at);
      lsn = i == 0 ? baseLsn() + step : lsn - step;
      if (Long.compareUnsigned(lsn, floor) < 0) {
        return Outcome.FLOOR;
      }
      long word = Encoding.getVarint(bytes, at);
      at = Encoding.skipVarint(bytes, at);
      int size = (int) (word >>> 2);
      bytesEnd -= size;
      if (Long.compareUnsigned(lsn, end) < 0
          && sink.add(
              lsn, (word & IMAGE) != 0, (word & INITIALIZES) != 0, view.asSlice(bytesEnd, size))) {
        return Outcome.ENOUGH;
      }
    }
    return Outcome.OLDER;
  }
}
