package dev.varve.timeline;

import dev.varve.layer.Compression;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.DeltaLayerWriter;
import dev.varve.layer.FinishedLayer;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The files that a merge writes: delta layers of about equal size, one after the other. They are
/// durable under their names, and count when the index part names them. For one thread.
final class MergeOutput implements AutoCloseable {

  /// A file that is full ends with a key, unless the key alone is so many times as large.
  private static final int LARGEST_KEY = 2;

  private final DurableIndex index;
  private final TimelineFiles files;
  private final LayerOwner owner;
  private final Shared shared;
  private final long layerBytes;
  private final int level;
  private final List<HistoricLayer> written = new ArrayList<>();
  private long writtenBytes;
  private @Nullable DeltaLayerWriter writer;
  private long upper;
  private long middle;
  private long lower;
  private Key first = Key.MIN;
  private long lowest;
  private long highest;
  private boolean committed;

  MergeOutput(DurableIndex index, LayerOwner owner, Shared shared, MergePlan plan) {
    this.index = index;
    files = index.files();
    this.owner = owner;
    this.shared = shared;
    layerBytes = plan.layerBytes();
    level = plan.level();
  }

  /// Adds a version after those before it in the order of keys and LSNs.
  void add(
      long newUpper,
      long newMiddle,
      long newLower,
      long lsn,
      boolean image,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length)
      throws IOException {
    DeltaLayerWriter to = writer;
    if (to != null) {
      boolean sameKey = newLower == lower && newMiddle == middle && newUpper == upper;
      if (to.size() >= (sameKey ? LARGEST_KEY * layerBytes : layerBytes)) {
        finishFile();
        to = null;
      }
    }
    if (to == null) {
      to = new DeltaLayerWriter(files.temporary("merge"), owner, Compression.LZ4);
      writer = to;
      first = Key.of(newUpper, newMiddle, newLower);
      lowest = lsn;
      highest = lsn;
    }
    to.add(newUpper, newMiddle, newLower, lsn, image, initializes, bytes, offset, length);
    upper = newUpper;
    middle = newMiddle;
    lower = newLower;
    if (Long.compareUnsigned(lsn, lowest) < 0) {
      lowest = lsn;
    }
    if (Long.compareUnsigned(lsn, highest) > 0) {
      highest = lsn;
    }
  }

  private void finishFile() throws IOException {
    DeltaLayerWriter full = writer;
    if (full == null) {
      return;
    }
    var lsns = new LsnRange(new Lsn(lowest), new Lsn(highest + 1));
    LayerName name =
        index.newName(
            LayerName.delta(new KeyRange(first, Key.of(upper, middle, lower).next()), lsns));
    FinishedLayer finished = full.finish(name.keys(), name.lsns()).withCopy(name.copy());
    full.close();
    writer = null;
    Path path = files.commit(finished);
    written.add(
        new HistoricLayer(
            LayerEntry.of(name, finished.size(), finished.crc(), level, index.generation()),
            new DeltaLayer(shared.files(), path, name, owner)));
    writtenBytes += finished.size();
  }

  /// Bytes that were written so far, about.
  long bytes() {
    DeltaLayerWriter to = writer;
    return writtenBytes + (to == null ? 0 : to.size());
  }

  /// Ends the last file.
  ///
  /// @return all files, durable
  List<HistoricLayer> finish() throws IOException {
    finishFile();
    return written;
  }

  /// From now on the files may be in the index part: they stay.
  void setCommitted() {
    committed = true;
  }

  /// Deletes what was written, unless it may be in the index part.
  @Override
  public void close() throws IOException {
    DeltaLayerWriter unfinished = writer;
    if (unfinished != null) {
      unfinished.close();
    }
    if (!committed) {
      for (HistoricLayer file : written) {
        file.layer().close();
        Files.deleteIfExists(files.layer(file.entry().name()));
      }
    }
  }
}
