package dev.varve.simulation;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.simulation.Version.Kind;
import dev.varve.simulation.WalEntry.Put;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Ingest;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// Makes random WAL records, and puts them where they belong.
final class Entries {

  static final int VALUES = 12;
  static final KeyRange VALUE_KEYS =
      new KeyRange(new Key(0x61, 0, 0, 0, 0, 0), new Key(0x62, 0, 0, 0, 0, 0));

  private final SplittableRandom random;
  private final Swarm swarm;

  Entries(SplittableRandom random, Swarm swarm) {
    this.random = random;
    this.swarm = swarm;
  }

  /// A page's number; some are chosen more often.
  int block() {
    int block = random.nextInt(swarm.pages());
    return random.nextInt(3) == 0 ? block % 4 : block;
  }

  Put image(Key key) {
    return new Put(key, new Version(Kind.IMAGE, random.nextLong(), size(), ""));
  }

  /// The images that a timeline begins with.
  List<Put> first() {
    var puts = new ArrayList<Put>();
    for (int i = 0; i < swarm.pages(); i++) {
      int block = (i * 7) % swarm.pages();
      Key key = TableRules.page(block);
      boolean unused = puts.stream().noneMatch(put -> put.key().equals(key));
      if (unused && (!swarm.orphans() || random.nextBoolean())) {
        puts.add(image(key));
      }
    }
    return puts;
  }

  /// @param model whose WAL it is
  WalEntry record(ModelTimeline model, long lsn, Instant time, boolean loaded) {
    var puts = new TreeMap<Key, Put>();
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      Put put = loaded ? image(TableRules.page(block())) : put();
      if (!model.isDropped(put.key(), lsn)) {
        puts.put(put.key(), put);
      }
    }
    return new WalEntry(lsn, time, List.copyOf(puts.values()), loaded);
  }

  private Put put() {
    Key key = TableRules.page(block());
    return switch (random.nextInt(swarm.orphans() ? 26 : 23)) {
      case 0, 1 -> image(key);
      case 2, 3 -> new Put(key, version(Kind.INITIALIZING_CHANGE));
      case 4, 5, 6, 7, 8, 9, 10 -> value();
      case 23, 24, 25 -> new Put(key, new Version(Kind.TOMBSTONE, 0, 0, ""));
      default -> new Put(key, version(Kind.CHANGE));
    };
  }

  private Version version(Kind kind) {
    return new Version(kind, random.nextLong(), 8 + size(), "");
  }

  private int size() {
    return random.nextInt(4) == 0 ? random.nextInt(swarm.largest()) : random.nextInt(40);
  }

  /// The table that can be is dropped.
  WalEntry drop(long lsn, Instant time) {
    var put = new Put(TableRules.DROPPED, new Version(Kind.VALUE, 0, 0, "dropped"));
    return new WalEntry(lsn, time, List.of(put), false);
  }

  private Put value() {
    String text = "x".repeat(random.nextInt(3) * random.nextInt(50));
    text = text.isEmpty() ? "" : text + random.nextLong();
    return new Put(TableRules.value(random.nextInt(VALUES)), new Version(Kind.VALUE, 0, 0, text));
  }

  static void put(Ingest ingest, WalEntry record) {
    for (Put put : record.puts()) {
      Key key = put.key();
      Version version = put.version();
      MemorySegment bytes = bytes(version, record.lsn());
      int size = (int) bytes.byteSize();
      switch (version.kind()) {
        case IMAGE, TOMBSTONE, VALUE ->
            ingest.image(key.upper(), key.middle(), key.lower(), record.lsn(), bytes, 0, size);
        case CHANGE, INITIALIZING_CHANGE -> {
          boolean initializes = version.kind() == Kind.INITIALIZING_CHANGE;
          ingest.change(
              key.upper(), key.middle(), key.lower(), record.lsn(), initializes, bytes, 0, size);
        }
      }
    }
  }

  static void put(ImageLoad load, WalEntry record) {
    for (Put put : record.puts()) {
      MemorySegment bytes = bytes(put.version(), record.lsn());
      Key key = put.key();
      load.image(key.upper(), key.middle(), key.lower(), bytes, 0, (int) bytes.byteSize());
    }
  }

  private static MemorySegment bytes(Version version, long lsn) {
    return switch (version.kind()) {
      case IMAGE -> HashRedo.image(version.value(), lsn, version.size());
      case CHANGE, INITIALIZING_CHANGE -> HashRedo.change(version.value(), version.size());
      case TOMBSTONE -> MemorySegment.ofArray(new byte[0]);
      case VALUE -> MemorySegment.ofArray(version.text().getBytes(ISO_8859_1));
    };
  }
}
