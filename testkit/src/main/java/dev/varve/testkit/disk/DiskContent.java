package dev.varve.testkit.disk;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/// The bytes of a file: as programs see them, and what of them is surely on the disk.
///
/// A sync that fails is the last that tries: what was written before it counts as clean from then
/// on, as on Linux, and no later sync writes it. It is on the disk only once it is written again.
final class DiskContent implements DiskNode {

  /// What a disk writes as a whole, or not at all.
  private static final int SECTOR = 512;

  /// Bytes that were written, from the first to the excluded last.
  private record Extent(int from, int to) {}

  private byte[] now = new byte[0];
  private int size;
  private byte[] synced = now;
  private int syncedSize;

  /// Whether `now` and `synced` are one array.
  private boolean syncedIsNow = true;

  /// The lowest size since the last sync.
  private int lowest;

  /// Whether others use the array `now` as well, wholly.
  private boolean shared;

  private final List<Extent> unsynced = new ArrayList<>();
  private final List<Extent> lost = new ArrayList<>();

  /// When it was written, in milliseconds since 1970; a crash does not forget it.
  private long time;

  /// What a damaged file was; null: it is whole.
  private byte @Nullable [] whole;

  int size() {
    return size;
  }

  long time() {
    return time;
  }

  void setTime(long millis) {
    time = millis;
  }

  /// @return how many bytes, at most `most`; -1 at the end
  int read(long from, ByteBuffer target, int most) {
    if (from >= size) {
      return -1;
    }
    int count = (int) Math.min(Math.min(target.remaining(), most), size - from);
    target.put(now, (int) from, count);
    return count;
  }

  void write(long to, ByteBuffer source, int count) {
    int from = (int) to;
    int end = from + count;
    boolean overwrites = from < syncedSize && syncedIsNow;
    if (end > now.length || overwrites || shared) {
      syncedIsNow = false;
      now = Arrays.copyOf(now, Math.max(Math.max(end, size), Math.min(2 * now.length, end + 4096)));
      shared = false;
    }
    if (from > size) {
      Arrays.fill(now, size, from, (byte) 0);
    }
    source.get(now, from, count);
    size = Math.max(size, end);
    lost.removeIf(extent -> extent.from >= from && extent.to <= end);
    unsynced.add(new Extent(from, end));
    whole = null;
  }

  void truncate(long newSize) {
    if (newSize < size) {
      size = (int) newSize;
      lowest = Math.min(lowest, size);
      clip(unsynced);
      clip(lost);
      whole = null;
    }
  }

  private void clip(List<Extent> extents) {
    extents.removeIf(extent -> extent.from >= size);
    extents.replaceAll(extent -> new Extent(extent.from, Math.min(extent.to, size)));
  }

  void sync() {
    if (lost.isEmpty()) {
      synced = now;
      syncedIsNow = true;
    } else {
      byte[] written = Arrays.copyOf(now, size);
      lost.forEach(extent -> putBack(written, extent.from, extent.to));
      synced = written;
      syncedIsNow = false;
    }
    syncedSize = size;
    lowest = size;
    unsynced.clear();
  }

  /// A sync that fails.
  void loseUnsynced() {
    lost.addAll(unsynced);
    unsynced.clear();
  }

  boolean isSynced() {
    return unsynced.isEmpty() && lost.isEmpty() && size == syncedSize && lowest == syncedSize;
  }

  /// Puts what the disk has into the place of what was written.
  private void putBack(byte[] target, int from, int to) {
    for (int i = from; i < Math.min(to, target.length); i++) {
      target[i] = i < syncedSize ? synced[i] : 0;
    }
  }

  boolean isDamaged() {
    return whole != null;
  }

  /// Inverts a bit of a file that is all on the disk.
  void flip(long bit) {
    byte[] changed = Arrays.copyOf(now, size);
    changed[(int) (bit >>> 3)] ^= (byte) (1 << (bit & 7));
    damage(changed);
  }

  /// Leaves only the beginning of a file that is all on the disk.
  void cut(int newSize) {
    damage(Arrays.copyOf(now, newSize));
  }

  private void damage(byte[] changed) {
    if (!isSynced()) {
      throw new IllegalStateException("not on the disk yet");
    }
    byte[] before = whole == null ? Arrays.copyOf(now, size) : whole;
    become(changed);
    whole = before;
  }

  private void become(byte[] bytes) {
    now = bytes;
    size = bytes.length;
    synced = now;
    syncedIsNow = true;
    syncedSize = size;
    lowest = size;
  }

  /// A damaged file is what it was.
  void mend() {
    byte[] before = whole;
    if (before != null) {
      become(before);
      shared = true;
      whole = null;
    }
  }

  /// Another file, with what this one was before it was damaged.
  DiskContent replacement() {
    var other = new DiskContent();
    other.time = time;
    other.become(whole == null ? Arrays.copyOf(now, size) : whole);
    other.shared = true;
    return other;
  }

  /// What was written since the last sync is there, or not, or in part; later writes may be there
  /// and earlier ones not.
  @Override
  public DiskContent afterCrash(RandomGenerator random) {
    var left = new DiskContent();
    left.time = time;
    left.whole = whole;
    if (isSynced()) {
      shared = true;
      left.shared = true;
      left.now = now;
      left.size = size;
    } else {
      left.now = partly(random);
      left.size = left.now.length;
    }
    left.synced = left.now;
    left.syncedSize = left.size;
    left.lowest = left.size;
    return left;
  }

  private byte[] partly(RandomGenerator random) {
    return switch (random.nextInt(4)) {
      case 0 -> Arrays.copyOf(synced, syncedSize);
      case 1 -> Arrays.copyOf(now, size);
      case 2 -> torn(random);
      default -> reordered(random);
    };
  }

  /// Up to somewhere it is there.
  private byte[] torn(RandomGenerator random) {
    byte[] mixed = Arrays.copyOf(now, size);
    putBack(mixed, size == 0 ? 0 : random.nextInt(size), size);
    return mixed;
  }

  private byte[] reordered(RandomGenerator random) {
    int end = random.nextBoolean() ? syncedSize : lowest;
    byte[] mixed = Arrays.copyOf(synced, Math.max(size, syncedSize));
    Arrays.fill(mixed, syncedSize, mixed.length, (byte) 0);
    var all = new ArrayList<>(lost);
    all.addAll(unsynced);
    for (Extent extent : all) {
      for (int at = extent.from; at < extent.to; at = (at / SECTOR + 1) * SECTOR) {
        if (random.nextBoolean()) {
          int to = Math.min(extent.to, (at / SECTOR + 1) * SECTOR);
          System.arraycopy(now, at, mixed, at, to - at);
          end = Math.max(end, to);
        }
      }
    }
    return Arrays.copyOf(mixed, end);
  }
}
