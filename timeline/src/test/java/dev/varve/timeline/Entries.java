package dev.varve.timeline;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.varve.model.Key;
import dev.varve.timeline.ModelTimeline.Kind;
import dev.varve.timeline.ModelTimeline.Put;
import dev.varve.timeline.ModelTimeline.Version;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// Makes random WAL records for simulations, and puts them where they belong.
final class Entries {

  static final int PAGES = 24;

  private final SplittableRandom random;

  Entries(SplittableRandom random) {
    this.random = random;
  }

  static Key pageKey(int block) {
    return new Key(0, 1663, 5, 16384 + block % 3, 0, block);
  }

  Put image(Key key) {
    return new Put(key, new Version(Kind.IMAGE, random.nextLong(), ""));
  }

  ModelTimeline.Entry random(long lsn, boolean loaded) {
    var puts = new TreeMap<Key, Put>();
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      Put put = loaded ? image(pageKey(random.nextInt(PAGES))) : randomPut();
      puts.put(put.key(), put);
    }
    return new ModelTimeline.Entry(lsn, List.copyOf(puts.values()), loaded);
  }

  Put randomPut() {
    Key key = pageKey(random.nextInt(PAGES));
    return switch (random.nextInt(12)) {
      case 0 -> image(key);
      case 1 -> new Put(key, new Version(Kind.INITIALIZING_CHANGE, random.nextLong(), ""));
      case 2, 3, 4 -> {
        String text = "x".repeat(random.nextInt(3) * random.nextInt(50));
        text = text.isEmpty() ? "" : text + random.nextLong();
        Key value = new Key(0x61, 0, 0, random.nextInt(20), 0, 0);
        yield new Put(value, new Version(Kind.VALUE, 0, text));
      }
      default -> new Put(key, new Version(Kind.CHANGE, random.nextLong(), ""));
    };
  }

  static void put(Ingest ingest, ModelTimeline.Entry record) {
    for (Put put : record.puts()) {
      Key key = put.key();
      Version version = put.version();
      MemorySegment bytes = bytes(put, record.lsn());
      if (version.kind() == Kind.IMAGE || version.kind() == Kind.VALUE) {
        ingest.image(key.upper(), key.middle(), key.lower(), record.lsn(), bytes, 0, size(bytes));
      } else {
        ingest.change(
            key.upper(),
            key.middle(),
            key.lower(),
            record.lsn(),
            version.kind() == Kind.INITIALIZING_CHANGE,
            bytes,
            0,
            size(bytes));
      }
    }
  }

  static MemorySegment bytes(Put put, long lsn) {
    return switch (put.version().kind()) {
      case IMAGE -> HashRedo.image(put.version().value(), lsn);
      case VALUE -> MemorySegment.ofArray(put.version().text().getBytes(ISO_8859_1));
      case CHANGE, INITIALIZING_CHANGE -> HashRedo.change(put.version().value());
    };
  }

  static int size(MemorySegment bytes) {
    return (int) bytes.byteSize();
  }

  static void put(ImageLoad load, Put put, long lsn) {
    MemorySegment bytes = bytes(put, lsn);
    load.image(put.key().upper(), put.key().middle(), put.key().lower(), bytes, 0, size(bytes));
  }
}
