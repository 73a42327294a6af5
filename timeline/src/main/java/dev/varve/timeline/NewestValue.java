package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/// Finds the newest version of one key, which is an image.
final class NewestValue implements VersionCollector {

  private final Key key;
  private byte @Nullable [] bytes;
  private boolean image;
  private long lsn;

  NewestValue(Key key) {
    this.key = key;
  }

  @Override
  public long floor() {
    return bytes == null ? 0 : lsn + 1;
  }

  @Override
  public boolean add(long newLsn, boolean isImage, boolean initializes, MemorySegment content) {
    bytes = content.toArray(ValueLayout.JAVA_BYTE);
    image = isImage;
    lsn = newLsn;
    return true;
  }

  /// @return null when there is none, or it is a tombstone
  byte @Nullable [] value() {
    byte[] found = bytes;
    if (found == null) {
      return null;
    }
    if (!image) {
      throw new PageserverException.DataCorrupted(
          "%s has a change at %s where a whole value should be".formatted(key, Lsn.format(lsn)));
    }
    return found.length == 0 ? null : found;
  }
}
