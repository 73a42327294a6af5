package dev.varve.timeline;

import dev.varve.layer.ReadAhead;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Makes one page of its versions: the newest that initializes it, and the changes since. Reused
/// for page after page, of one thread at a time; a hot class.
///
/// Layers may overlap: an image can turn up that is newer than changes taken already. The newest
/// version to begin with counts, and what is older is forgotten. A page that the page cache has
/// counts as an image as of the last LSN that it is known to hold for.
final class PageBuilder implements VersionCollector {

  static final int PAGE_BYTES = 8192;

  private static final int COSTLY_CHANGES = 4;
  private static final int COSTLY_LAYERS = 8;

  private final VersionStack changes;
  private final LayerSearch search = new LayerSearch();
  private @Nullable MemorySegment target;
  private boolean begun;
  private boolean fromImage;
  private long beginning;
  private int imageLength;

  private final PageCache.Hit cached = new PageCache.Hit();

  /// Whether the page to begin with is the one in `cached`.
  private boolean fromCache;

  private long cachedOwner;
  private int layersAsked;
  private @Nullable ReadAhead ahead;

  /// @param memory for long chains of changes
  PageBuilder(ChainMemory memory) {
    changes = new VersionStack(memory);
  }

  /// @param newAhead of a read of many pages; null: of one
  void reset(MemorySegment newTarget, @Nullable ReadAhead newAhead) {
    clear();
    target = newTarget;
    ahead = newAhead;
    layersAsked = 0;
    forgetBeginning();
  }

  private void forgetBeginning() {
    begun = false;
    fromImage = false;
    fromCache = false;
    beginning = 0;
    imageLength = 0;
  }

  @Override
  public LayerSearch search() {
    return search;
  }

  @Override
  public @Nullable ReadAhead ahead() {
    return ahead;
  }

  @Override
  public void takeCached(PageCacheView view, long upper, long middle, long lower, long lsn) {
    MemorySegment page = target;
    if (begun || page == null) {
      return;
    }
    if (view.cache().get(view.owner(), upper, middle, lower, lsn, page, cached)) {
      begun = true;
      fromImage = true;
      fromCache = true;
      cachedOwner = view.owner();
      beginning = PageReader.min(cached.upTo, lsn);
      imageLength = PAGE_BYTES;
    }
  }

  @Override
  public void requireRetained(long retainedFrom) {
    if (fromCache && Long.compareUnsigned(beginning, retainedFrom) < 0) {
      forgetBeginning();
    }
  }

  @Override
  public void layersAsked(int more) {
    layersAsked += more;
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
      changes.push(lsn, false, initializes, bytes, 0, (int) bytes.byteSize());
    }
    if (initializes) {
      begun = true;
      fromImage = image;
      fromCache = false;
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

  /// Whether the page could not be made because its changes do not fit into memory.
  boolean isTooLong() {
    return changes.isExhausted();
  }

  /// How many changes the last {@link #build} has applied.
  int changesApplied() {
    return changes.count();
  }

  /// LSN of the newest version in the page; after {@link #build}.
  long newest() {
    if (changes.count() > 0) {
      return changes.lsn(0);
    }
    return fromCache ? cached.from : beginning;
  }

  /// `from` of the page of the cache that this one was made of, or {@link PageCache#NONE}.
  long cachedFrom() {
    return fromCache ? cached.from : PageCache.NONE;
  }

  /// Whether the page holds for longer than the cache knew, or took so much work that it is worth a
  /// place.
  ///
  /// @param owner in whose name it would be kept
  boolean isWorthKeeping(long owner, long upTo) {
    if (fromCache && cachedOwner == owner) {
      return Long.compareUnsigned(cached.upTo, upTo) < 0;
    }
    return changes.count() >= COSTLY_CHANGES || layersAsked >= COSTLY_LAYERS;
  }

  /// Lets go of the target, and of memory that only a few pages need.
  void clear() {
    changes.clear();
    target = null;
    ahead = null;
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
