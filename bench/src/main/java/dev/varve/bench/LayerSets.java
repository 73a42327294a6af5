package dev.varve.bench;

import dev.varve.layer.BlockCache;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerKind;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import dev.varve.timeline.HistoricLayer;
import dev.varve.timeline.LayerEntry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;

/// The layers of timelines to measure a layer map with: names only, no files.
enum LayerSets {
  /// Of a real timeline.
  REAL_5651,
  /// Of another one.
  REAL_26690,
  /// 100 ranges of keys times 1,000 steps in LSN, each tenth of images, and some of all keys.
  TILES_100000,
  /// The second real timeline's four times side by side, as if it had four times the relations.
  REPEATED_106760;

  private static final LayerFiles FILES = new LayerFiles(new BlockCache(0), 1);
  private static final LayerOwner OWNER = new LayerOwner(new TenantId(0, 1), new TimelineId(0, 2));

  List<HistoricLayer> layers() {
    return names().stream().map(LayerSets::file).toList();
  }

  private List<LayerName> names() {
    return switch (this) {
      case REAL_5651 -> read("layer-names-5651.txt.gz");
      case REAL_26690 -> read("layer-names-26690.txt.gz");
      case TILES_100000 -> tiles();
      case REPEATED_106760 -> repeated(read("layer-names-26690.txt.gz"), 4);
    };
  }

  static HistoricLayer file(LayerName name) {
    Path path = Path.of(name.fileName());
    return new HistoricLayer(
        LayerEntry.of(name, 128 << 20, 0, LayerEntry.firstLevel(name), Generation.NONE),
        name.kind() == LayerKind.DELTA
            ? new DeltaLayer(FILES, path, name, OWNER)
            : new ImageLayer(FILES, path, name, OWNER));
  }

  private static List<LayerName> read(String resource) {
    try (InputStream packed = LayerSets.class.getResourceAsStream("/layer-names/" + resource)) {
      if (packed == null) {
        throw new IllegalStateException("there is no resource " + resource);
      }
      var lines =
          new BufferedReader(
              new InputStreamReader(new GZIPInputStream(packed), StandardCharsets.US_ASCII));
      return lines.lines().map(LayerSets::parse).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static LayerName parse(String line) {
    return LayerName.parse(line + "-v1")
        .orElseThrow(() -> new IllegalStateException("no layer name: " + line));
  }

  /// A delta layer of a tile's range and step.
  static LayerName tile(int range, int step) {
    return LayerName.delta(tileKeys(range), steps(step, step + 1));
  }

  private static KeyRange tileKeys(int range) {
    return new KeyRange(tileStart(range), tileStart(range + 1));
  }

  private static Key tileStart(int range) {
    return new Key(0, 1663, 5, 16384 + range / 4, 0, range % 4 * 16384);
  }

  private static LsnRange steps(int from, int to) {
    return new LsnRange(stepStart(from), stepStart(to));
  }

  private static Lsn stepStart(int step) {
    return new Lsn(0x1000_0000L + step * 0x1000_0000L);
  }

  private static List<LayerName> tiles() {
    var names = new ArrayList<LayerName>();
    for (int step = 0; step < 1000; step++) {
      for (int range = 0; range < 100; range++) {
        names.add(
            step % 10 == 9 ? LayerName.image(tileKeys(range), stepStart(step)) : tile(range, step));
      }
    }
    for (int i = 0; i < 10; i++) { // flushed and not yet merged
      names.add(LayerName.delta(KeyRange.ALL, steps(1000 + i, 1001 + i)));
    }
    return names;
  }

  private static List<LayerName> repeated(List<LayerName> names, int times) {
    var all = new ArrayList<LayerName>();
    for (int i = 0; i < times; i++) {
      int shift = i;
      names.forEach(name ->
          all.add(
              new LayerName(
                  name.kind(),
                  new KeyRange(
                      shifted(name.keys().start(), shift), shifted(name.keys().end(), shift)),
                  name.lsns())));
    }
    return all;
  }

  private static Key shifted(Key key, int by) {
    int kind = key.equals(Key.MAX) ? 0xFF : key.kind() + by * 16;
    return new Key(kind, key.tablespace(), key.database(), key.relation(), key.fork(), key.block());
  }
}
