package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Makes one page of its versions: the newest that initializes it, and the changes since. Reused
/// for page after page, of one thread at a time; a hot class.
///
/// Layers may overlap: an image can turn up that is newer than changes taken already. The newest
/// version to begin with counts, and what is older is forgotten.
final class PageBuilder implements VersionCollector {

  static final int PAGE_BYTES = 8192;

  private final VersionStack changes = new VersionStack();
  private final LayerSearch search = new LayerSearch();
  private @Nullable MemorySegment target;
  private boolean begun;
  private boolean fromImage;
  private long beginning;
  private int imageLength;

  void reset(MemorySegment newTarget) {
    clear();
    target = newTarget;
    begun = false;
    fromImage = false;
    beginning = 0;
    imageLength = 0;
  }

  @Override
  public LayerSearch search() {
    return search;
  }

  @Override
  public long floor() {
    return begun ? beginning + 1 : 0;
  }

  @Override
  public boolean add(long lsn, boolean image, boolean initializes, MemorySegment bytes) {
    if (image) {
      imageLength = (int) bytes.byteSize();
      if (imageLength == PAGE_BYTES && target != null) {
        MemorySegment.copy(bytes, 0, target, 0, PAGE_BYTES);
      }
    } else {
      changes.push(lsn, false, initializes, bytes);
    }
    if (initializes) {
      begun = true;
      fromImage = image;
      beginning = lsn;
    }
    return initializes;
  }

  /// Brings the target from the version to begin with to the newest.
  ///
  /// @param lsn what was asked for; for messages
  /// @throws PageserverException.NotFound when there is no version, or the newest is a tombstone
  /// @throws PageserverException.DataCorrupted when there is nothing to begin with
  void build(Key key, Lsn lsn, PageRedo redo) {
    MemorySegment page = target;
    if (page == null) {
      throw new IllegalStateException("no page to build");
    }
    changes.order();
    if (begun) {
      changes.dropBefore(fromImage ? beginning + 1 : beginning);
    }
    requireBeginning(key, lsn);
    if (!fromImage) {
      page.asSlice(0, PAGE_BYTES).fill((byte) 0);
    }
    for (int i = changes.count() - 1; i >= 0; i--) {
      redo.apply(key, changes.lsn(i), page, changes.bytes(i));
    }
  }

  /// How many changes the last {@link #build} has applied.
  int changesApplied() {
    return changes.count();
  }

  /// Lets go of the target, and of memory that only a few pages need.
  void clear() {
    changes.clear();
    target = null;
  }

  private void requireBeginning(Key key, Lsn lsn) {
    int count = changes.count();
    if (begun && !(fromImage && imageLength != PAGE_BYTES)) {
      return;
    }
    if (count == 0 && imageLength == 0) {
      throw new PageserverException.NotFound("page " + key + " does not exist as of " + lsn);
    }
    if (fromImage && imageLength != 0) {
      throw new PageserverException.DataCorrupted(
          "%s has an image of %d bytes at %s, which is no page"
              .formatted(key, imageLength, Lsn.format(beginning)));
    }
    throw new PageserverException.DataCorrupted(
        "page %s can't be made as of %s: it has changes from %s on, but no whole page before"
            .formatted(key, lsn, Lsn.format(changes.lsn(count - 1))));
  }
}
