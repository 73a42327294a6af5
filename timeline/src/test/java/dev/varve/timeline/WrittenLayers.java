package dev.varve.timeline;

import dev.varve.layer.BlockCache;
import dev.varve.layer.Compression;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.DeltaLayerWriter;
import dev.varve.layer.FinishedLayer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.NavigableMap;
import java.util.TreeMap;

/// Writes layer files with given versions, each in a directory of its own.
final class WrittenLayers {

  static final LayerOwner OWNER = new LayerOwner(new TenantId(0, 1), new TimelineId(0, 2));

  record Version(boolean image, boolean initializes, MemorySegment bytes) {}

  /// By key and LSN, both unsigned.
  static final class Versions extends TreeMap<Key, NavigableMap<Long, Version>> {

    private static final long serialVersionUID = 1;

    void put(Key key, long lsn, Version version) {
      computeIfAbsent(key, _ -> new TreeMap<>(Long::compareUnsigned)).put(lsn, version);
    }
  }

  final LayerFiles files;
  private final Path folder;
  private int count;

  WrittenLayers(Path folder) {
    this(folder, new LayerFiles(new BlockCache(1 << 20), 64));
  }

  WrittenLayers(Path folder, LayerFiles files) {
    this.folder = folder;
    this.files = files;
  }

  HistoricLayer write(Versions versions, int level) throws IOException {
    var lsns = new TreeMap<Long, Version>(Long::compareUnsigned);
    versions.values().forEach(lsns::putAll);
    var name =
        LayerName.delta(
            new KeyRange(versions.firstKey(), versions.lastKey().next()),
            new LsnRange(new Lsn(lsns.firstKey()), new Lsn(lsns.lastKey() + 1)));
    Path directory = folder.resolve("layer" + count++);
    Files.createDirectory(directory);
    FinishedLayer finished;
    Path temporary = directory.resolve("layer" + DurableFile.TEMPORARY);
    try (var writer = new DeltaLayerWriter(temporary, OWNER, Compression.LZ4)) {
      for (var of : versions.entrySet()) {
        Key key = of.getKey();
        for (var at : of.getValue().entrySet()) {
          Version version = at.getValue();
          writer.add(
              key.upper(),
              key.middle(),
              key.lower(),
              at.getKey(),
              version.image,
              version.initializes,
              version.bytes,
              0,
              (int) version.bytes.byteSize());
        }
      }
      finished = writer.finish(name.keys(), name.lsns());
    }
    Path path = LayerFiles.commit(finished, directory);
    return new HistoricLayer(
        LayerEntry.of(name, finished.size(), finished.crc(), level, Generation.NONE),
        new DeltaLayer(files, path, name, OWNER));
  }
}
