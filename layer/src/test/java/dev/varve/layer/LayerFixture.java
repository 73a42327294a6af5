package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;

/// Makes versions and layers of them, and reads them back.
final class LayerFixture {

  static final LayerOwner OWNER = new LayerOwner(new TenantId(1, 2), new TimelineId(3, 4));

  private LayerFixture() {}

  /// Versions of few and of many keys, small and large, in the order of layer files.
  static SortedSet<Version> versions(SplittableRandom random, int count, long firstLsn) {
    var versions = new TreeSet<Version>();
    Key hot = key(random);
    while (versions.size() < count) {
      Key key = random.nextInt(4) == 0 ? hot : key(random);
      boolean image = random.nextInt(3) == 0;
      var lsn = new Lsn(firstLsn + random.nextLong(random.nextBoolean() ? 200 : 1L << 40));
      versions.add(new Version(key, lsn, image, image || random.nextBoolean(), bytes(random)));
    }
    return versions;
  }

  private static Key key(SplittableRandom random) {
    return new Key(
        random.nextInt(3) == 0 ? 0x61 + random.nextInt(4) : 0,
        random.nextInt(9) == 0 ? -2 : 1663,
        5,
        16384 + random.nextInt(3),
        random.nextInt(4),
        random.nextInt(20) == 0 ? random.nextInt() : random.nextInt(300));
  }

  private static Version.ByteString bytes(SplittableRandom random) {
    int bound = random.nextInt(100) == 0 ? 200_000 : random.nextInt(10) == 0 ? 9000 : 150;
    byte[] bytes = new byte[random.nextInt(bound)];
    if (random.nextBoolean()) {
      random.nextBytes(bytes);
    }
    return new Version.ByteString(bytes);
  }

  /// Data blocks and parts that are small, so that a few versions make many of them.
  static FinishedLayer smallBlocks(
      Path temporary, Compression compression, Collection<Version> versions) throws IOException {
    var channel =
        FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    try (var writer = smallBlocks(temporary, channel, compression)) {
      for (Version version : versions) {
        add(writer, version);
      }
      return writer.finish();
    }
  }

  static DeltaLayerWriter smallBlocks(Path temporary, FileChannel channel, Compression compression)
      throws IOException {
    var geometry = new LayerFormat.Geometry(400, 4, 20);
    return new DeltaLayerWriter(
        new LayerFileWriter(temporary, channel, LayerKind.DELTA, OWNER, compression, geometry));
  }

  static FinishedLayer delta(Path temporary, Compression compression, Collection<Version> versions)
      throws IOException {
    try (var writer = new DeltaLayerWriter(temporary, OWNER, compression)) {
      for (Version version : versions) {
        add(writer, version);
      }
      return writer.finish();
    }
  }

  static void add(DeltaLayerWriter writer, Version version) throws IOException {
    Key key = version.key();
    writer.add(
        key.upper(),
        key.middle(),
        key.lower(),
        version.lsn().value(),
        version.image(),
        version.initializes(),
        version.bytes().segment(),
        0,
        version.bytes().length());
  }

  static void put(MemoryLayer layer, Version version) {
    Key key = version.key();
    layer.put(
        key.upper(),
        key.middle(),
        key.lower(),
        version.lsn().value(),
        version.image(),
        version.initializes(),
        version.bytes().segment(),
        0,
        version.bytes().length());
  }

  static DeltaLayer open(LayerFiles files, FinishedLayer layer) {
    return new DeltaLayer(files, layer.temporary(), layer.name(), OWNER);
  }

  /// Up to `most` versions of a key, newest first, as the layer gives them.
  static List<Version> find(Layer layer, Key key, Lsn floor, Lsn end, int most) throws IOException {
    var found = new ArrayList<Version>();
    boolean enough =
        layer.find(
            key.upper(),
            key.middle(),
            key.lower(),
            floor.value(),
            end.value(),
            (lsn, image, initializes, bytes) -> {
              found.add(new Version(key, new Lsn(lsn), image, initializes, Version.copy(bytes)));
              return found.size() == most;
            });
    if (enough != (found.size() == most)) {
      throw new AssertionError("find returned " + enough + " after " + found.size());
    }
    return found;
  }

  /// What {@link #find} should give.
  static List<Version> expected(
      Collection<Version> versions, Key key, Lsn floor, Lsn end, int most) {
    return versions.stream()
        .filter(v -> v.key().equals(key))
        .filter(v -> !v.lsn().isBefore(floor) && v.lsn().isBefore(end))
        .sorted((a, b) -> b.compareTo(a))
        .limit(most)
        .toList();
  }

  static List<Version> walk(Layer layer, KeyRange keys) throws IOException {
    var all = new ArrayList<Version>();
    try (LayerCursor cursor = layer.cursor(keys)) {
      while (cursor.next()) {
        all.add(Version.of(cursor));
      }
    }
    return all;
  }
}
