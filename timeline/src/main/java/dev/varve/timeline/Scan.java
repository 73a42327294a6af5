package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerCursor;
import dev.varve.layer.MemoryLayer;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// Finds the value of every key of a range as of one LSN, by merging all layers.
///
/// It goes in steps: a step collects some values from the layers, lets go of them, and only then
/// hands the values over. So a slow taker keeps no layer from being freed. As a read as of an LSN
/// does not depend on the layers of the moment, the steps fit together.
final class Scan {

  private static final int VALUES_PER_STEP = 50_000;
  private static final long BYTES_PER_STEP = 4 << 20;

  private record Value(Key key, MemorySegment bytes) {}

  private final PageReader reader;
  private final long lsn;
  private final List<Value> found = new ArrayList<>();
  private long foundBytes;

  private Scan(PageReader reader, long lsn) {
    this.reader = reader;
    this.lsn = lsn;
  }

  /// @param check done before values are handed over: it throws when they don't count
  static void run(PageReader reader, KeyRange keys, long lsn, Runnable check, ScanSink sink) {
    var scan = new Scan(reader, lsn);
    Key from = keys.start();
    while (from != null && from.compareTo(keys.end()) < 0) {
      from = scan.step(new KeyRange(from, keys.end()));
      check.run();
      scan.found.forEach(value -> sink.value(value.key, value.bytes));
    }
  }

  /// @return where to go on; null at the end
  private @Nullable Key step(KeyRange keys) {
    found.clear();
    foundBytes = 0;
    var maps = new ArrayList<LayerMap>();
    var sources = new PriorityQueue<ScanSource>();
    try {
      open(keys, maps, sources);
      return merge(sources);
    } catch (IOException | IllegalStateException e) {
      throw reader.failed(e, "keys from " + keys.start() + " to " + keys.end(), lsn);
    } finally {
      sources.forEach(ScanSource::close);
      maps.forEach(LayerMap::release);
    }
  }

  private void open(KeyRange keys, List<LayerMap> maps, PriorityQueue<ScanSource> sources)
      throws IOException {
    PageReader at = reader;
    long end = PageReader.endAfter(lsn);
    var remote = new ScanOpening();
    while (true) {
      LayerMap map = at.maps().acquire();
      maps.add(map);
      openLayers(map, keys, end, sources, remote);
      PageReader ancestor = at.ancestor();
      if (ancestor == null) {
        break;
      }
      end = PageReader.min(end, PageReader.endAfter(at.branchPoint()));
      ancestor.requireUpTo(end - 1);
      at = ancestor;
    }
    remote.open(reader.timeline(), reader.tasks(), sources);
  }

  /// @param remote is told the layers whose files are not here, to be opened together
  private static void openLayers(
      LayerMap map, KeyRange keys, long end, PriorityQueue<ScanSource> sources, ScanOpening remote)
      throws IOException {
    MemoryLayer open = map.open();
    if (open != null) {
      add(open, keys, end, sources);
    }
    for (FrozenLayer frozen : map.frozen()) {
      add(frozen.layer(), keys, PageReader.min(end, frozen.end()), sources);
    }
    for (HistoricLayer file : map.historic().overlapping(keys)) {
      KeyRange some = common(keys, file.keys());
      if (file.layer() instanceof FileLayer layer && layer.residency().isRemote()) {
        if (hasAny(layer, some, end)) {
          remote.add(layer, some, end);
        }
      } else {
        add(file.layer(), some, end, sources);
      }
    }
  }

  private static KeyRange common(KeyRange a, KeyRange b) {
    return new KeyRange(
        a.start().compareTo(b.start()) < 0 ? b.start() : a.start(),
        a.end().compareTo(b.end()) < 0 ? a.end() : b.end());
  }

  private static void add(Layer layer, KeyRange keys, long end, PriorityQueue<ScanSource> sources)
      throws IOException {
    if (hasAny(layer, keys, end)) {
      addIfAny(new ScanSource(layer.cursor(keys), end), sources);
    }
  }

  private static boolean hasAny(Layer layer, KeyRange keys, long end) {
    return layer.keys().overlaps(keys)
        && Long.compareUnsigned(layer.lsns().start().value(), end) < 0;
  }

  private static void addIfAny(ScanSource source, PriorityQueue<ScanSource> sources)
      throws IOException {
    boolean any = false;
    try {
      any = source.next();
    } finally {
      if (any) {
        sources.add(source);
      } else {
        source.close();
      }
    }
  }

  private @Nullable Key merge(PriorityQueue<ScanSource> sources) throws IOException {
    var newest = new Newest();
    while (!sources.isEmpty()) {
      if (found.size() >= VALUES_PER_STEP || foundBytes >= BYTES_PER_STEP) {
        return sources.peek().key();
      }
      Key key = sources.peek().key();
      newest.clear();
      while (!sources.isEmpty() && sources.peek().isAt(key)) {
        ScanSource source = sources.remove();
        newest.offer(source.cursor());
        addIfAny(source, sources);
      }
      byte[] bytes = newest.value(key);
      if (bytes.length > 0) {
        found.add(new Value(key, MemorySegment.ofArray(bytes)));
        foundBytes += bytes.length;
      }
    }
    return null;
  }

  /// The newest version of one key so far.
  private static final class Newest {

    private byte @Nullable [] bytes;
    private long lsn;
    private boolean image;

    void clear() {
      bytes = null;
    }

    void offer(LayerCursor cursor) {
      if (bytes == null || Long.compareUnsigned(cursor.lsn(), lsn) > 0) {
        bytes = cursor.bytes().toArray(ValueLayout.JAVA_BYTE);
        lsn = cursor.lsn();
        image = cursor.image();
      }
    }

    /// Empty: a tombstone.
    byte[] value(Key key) {
      byte[] last = bytes;
      if (last == null || !image) {
        throw new PageserverException.DataCorrupted(
            "%s has a change at %s where a whole value should be".formatted(key, Lsn.format(lsn)));
      }
      return last;
    }
  }
}
