package dev.varve.timeline;

import dev.varve.layer.CorruptLayerException;
import dev.varve.layer.CorruptObjectException;
import dev.varve.layer.Layer;
import dev.varve.layer.MemoryLayer;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads keys as of LSNs. A hot class: it takes no lock, and allocates nothing per page but small
/// objects of fixed size.
///
/// A read asks the layers of a map newest first: the open one, the frozen ones, the files by the
/// end of their LSN ranges. It goes on until no layer that is left can have anything newer than
/// what the read can begin with. When it found nothing to begin with, it goes on in the ancestor,
/// as of the branch point.
///
/// Layers whose files are not here are read all the same. When a read comes to the first of them,
/// it has what it needs of the others fetched at the same time ({@link LayerFetch}).
///
/// A page is looked for in the {@link PageCache} first, in each timeline on the way down. Pages
/// that took some work are put there, for the timeline that has the newest version in them: so
/// branches share their ancestor's.
///
/// @param cache of this timeline's pages
/// @param link leads to the timeline that this one was branched from, up to `branchPoint`
record PageReader(
    String timeline,
    LayerMaps maps,
    LastRecord lastRecord,
    Condition condition,
    PageCacheView cache,
    @Nullable AncestorLink link,
    long branchPoint,
    TimelineMetrics metrics,
    TaskManager tasks) {

  /// How long a read waits for the ancestor to have the branch point again: after a crash it takes
  /// in some WAL for the second time.
  private static final Duration ANCESTOR_LIMIT = Duration.ofSeconds(10);

  /// @param lsn at most the last record LSN
  void page(Key key, Lsn lsn, MemorySegment target, PageBuilder builder, PageRedo redo) {
    builder.reset(target, null);
    build(key, lsn, target, builder, redo, null);
  }

  /// @param builder was reset to the target
  /// @param maps to use; null: the current ones
  void build(
      Key key,
      Lsn lsn,
      MemorySegment target,
      PageBuilder builder,
      PageRedo redo,
      @Nullable HeldMaps maps) {
    boolean keeping = cache.isKeeping();
    walk(key.upper(), key.middle(), key.lower(), lsn.value(), builder, maps);
    builder.build(key, lsn, redo);
    if (keeping) {
      keep(key, lsn.value(), builder, target);
    }
  }

  /// Gives a page to the cache, for whom its newest version belongs to.
  private void keep(Key key, long lsn, PageBuilder builder, MemorySegment page) {
    long from = builder.newest();
    long upTo = lsn;
    boolean atBranchPoint = false;
    PageReader owner = this;
    for (PageReader above = ancestor();
        above != null && Long.compareUnsigned(from, owner.branchPoint) <= 0;
        above = owner.ancestor()) {
      atBranchPoint = Long.compareUnsigned(owner.branchPoint, upTo) <= 0;
      upTo = min(upTo, owner.branchPoint);
      owner = above;
    }
    PageCacheView of = owner.cache;
    // History that is not kept any more may have been gone already while the page was made.
    boolean isRetained =
        atBranchPoint || Long.compareUnsigned(of.retainedFrom().getAsLong(), upTo) <= 0;
    if (isRetained && builder.isWorthKeeping(of.owner(), upTo)) {
      of.cache()
          .put(
              of.owner(),
              key.upper(),
              key.middle(),
              key.lower(),
              from,
              upTo,
              builder.cachedFrom(),
              page);
    }
  }

  byte @Nullable [] value(Key key, long lsn) {
    var newest = new NewestValue(key);
    walk(key.upper(), key.middle(), key.lower(), lsn, newest, null);
    return newest.value();
  }

  /// Gives the collector the versions of the key up to `lsn`, roughly newest first, until none that
  /// is left can be above its floor.
  ///
  /// @param maps to use; null: the current ones
  void walk(
      long upper,
      long middle,
      long lower,
      long lsn,
      VersionCollector collector,
      @Nullable HeldMaps maps) {
    PageReader reader = this;
    long end = endAfter(lsn);
    while (true) {
      collector.takeCached(reader.cache, upper, middle, lower, end - 1);
      if (Long.compareUnsigned(collector.floor(), end) >= 0) {
        return;
      }
      try {
        reader.walkOwn(upper, middle, lower, end, collector, maps);
      } catch (IOException | IllegalStateException e) {
        throw reader.failed(e, Key.of(upper, middle, lower).toString(), lsn);
      }
      PageReader ancestor = reader.ancestor();
      if (ancestor == null || isBelow(reader, collector)) {
        return;
      }
      end = min(end, endAfter(reader.branchPoint));
      reader = ancestor;
      reader.requireUpTo(end - 1);
    }
  }

  /// Reads the timeline that this one was branched from.
  @Nullable PageReader ancestor() {
    return link == null ? null : link.reader();
  }

  /// The ancestor was loaded anew.
  void setAncestor(PageReader reader) {
    if (link != null) {
      link.set(reader);
    }
  }

  private static boolean isBelow(PageReader reader, VersionCollector collector) {
    return Long.compareUnsigned(endAfter(reader.branchPoint), collector.floor()) <= 0;
  }

  private void walkOwn(
      long upper,
      long middle,
      long lower,
      long end,
      VersionCollector collector,
      @Nullable HeldMaps held)
      throws IOException {
    LayerMap map = held == null ? maps.acquire() : held.of(this);
    int visited = 0;
    try {
      collector.requireRetained(cache.retainedFrom().getAsLong());
      visited = walk(map, upper, middle, lower, end, collector, held);
    } finally {
      if (held == null) {
        map.release();
      }
      metrics.layersVisited.add(visited);
      collector.layersAsked(visited);
    }
  }

  /// @return how many layers were asked
  private int walk(
      LayerMap map,
      long upper,
      long middle,
      long lower,
      long end,
      VersionCollector collector,
      @Nullable HeldMaps held)
      throws IOException {
    int visited = 0;
    MemoryLayer open = map.open();
    if (open != null) {
      visited++;
      open.find(upper, middle, lower, collector.floor(), end, collector);
    }
    List<FrozenLayer> frozen = map.frozen();
    for (int i = 0; i < frozen.size(); i++) {
      FrozenLayer layer = frozen.get(i);
      long layerEnd = min(end, layer.end());
      if (Long.compareUnsigned(collector.floor(), layerEnd) < 0) {
        visited++;
        layer.layer().find(upper, middle, lower, collector.floor(), layerEnd, collector);
      }
    }
    LayerSearch search = collector.search();
    LayerFetch fetch = null;
    try {
      search.start(map.historic(), upper, middle, lower, end);
      while (search.next() && Long.compareUnsigned(search.end(), collector.floor()) > 0) {
        Layer layer = search.file().layer();
        visited++;
        if (search.file().isFetchNeeded(upper, middle, lower, collector.floor(), end)) {
          if (fetch == null || !fetch.has(layer)) {
            var key = new KeyRun(upper, middle, lower, lower);
            var wanted = new LayerFetch.Wanted(key, collector.floor(), end);
            fetch = LayerFetch.run(this, map, layer, wanted, held);
          }
          fetch.requireFetched(layer);
        }
        layer.find(upper, middle, lower, collector.floor(), end, collector);
      }
    } finally {
      search.clear();
    }
    return visited;
  }

  /// The current layer map of the timeline itself, to be {@linkplain LayerMap#release() released}.
  ///
  /// @throws PageserverException when it was at rest, and its list of layers can't be read
  LayerMap requireMap() {
    try {
      return maps.acquire();
    } catch (IOException e) {
      throw failed(e, "its list of layers", lastRecord.get());
    }
  }

  /// Before the ancestor of a timeline is asked: it must be usable, and have the branch point.
  void requireUpTo(long lsn) {
    condition.requireUsable();
    lastRecord.await(lsn, ANCESTOR_LIMIT, tasks);
  }

  /// What whoever asks is told when a layer can't be read. Damage is noted where the layer belongs.
  RuntimeException failed(Exception failure, String what, long lsn) {
    if (condition.isEnding()) {
      return new PageserverException.Unavailable(
          "timeline \"" + timeline + "\" is being closed or deleted", failure);
    }
    if (failure instanceof RuntimeException mistake) {
      return mistake;
    }
    String read =
        "timeline \"%s\" can't read %s as of %s".formatted(timeline, what, Lsn.format(lsn));
    if (failure instanceof ClosedByInterruptException) {
      return new PageserverException.Unavailable(read + ": the request was cancelled", failure);
    }
    metrics.readFailures.increment();
    for (PageReader at = this; at != null; at = at.ancestor()) {
      at.condition.damaged().note(failure);
    }
    return switch (failure) {
      case CorruptLayerException e ->
          new PageserverException.DataCorrupted(read + ": " + e.getMessage(), e);
      case CorruptObjectException e ->
          new PageserverException.DataCorrupted(read + ": " + e.getMessage(), e);
      case UnusableFileException e ->
          new PageserverException.DataCorrupted(read + ": " + e.getMessage(), e);
      case NoSuchFileException e ->
          new PageserverException.DataCorrupted(
              read + ": layer file " + e.getFile() + " is missing", e);
      default -> new PageserverException.Unavailable(read + ": " + failure.getMessage(), failure);
    };
  }

  /// LSNs of requests are included, ends of layers are not.
  static long endAfter(long lsn) {
    return lsn == -1 ? lsn : lsn + 1;
  }

  static long min(long a, long b) {
    return Long.compareUnsigned(a, b) < 0 ? a : b;
  }
}
