package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.SplittableRandom;

/// Ways to damage bytes, pages and records: some at random, more of the sort that a missing check
/// would not survive. All of it follows from the random numbers.
final class Damage {

  private static final int[] NUMBERS = {
    0,
    1,
    2,
    3,
    7,
    8,
    23,
    24,
    25,
    28,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    8168,
    8176,
    8184,
    8191,
    8192,
    8193,
    0x7FFFFFFF,
    0x80000000,
    -1
  };
  private static final int POINTERS_CHANGED = 4;
  private static final int LONGEST_EXTENSION = 300;

  private final FuzzCorpus corpus;
  private final SplittableRandom random;

  Damage(FuzzCorpus corpus, SplittableRandom random) {
    this.corpus = corpus;
    this.random = random;
  }

  /// Changes one to four places between two indexes.
  void numbers(MemorySegment bytes, int from, int to) {
    for (int i = random.nextInt(4); i >= 0 && from < to; i--) {
      number(bytes, from, to);
    }
  }

  private void number(MemorySegment bytes, int from, int to) {
    int at = from + random.nextInt(to - from);
    int width = Math.min(1 << random.nextInt(3), to - at);
    switch (random.nextInt(6)) {
      case 0 -> bytes.set(PgLayout.BYTE, at, (byte) random.nextInt());
      case 1 -> {
        int flipped = bytes.get(PgLayout.BYTE, at) ^ (1 << random.nextInt(8));
        bytes.set(PgLayout.BYTE, at, (byte) flipped);
      }
      case 2 -> {
        int length = random.nextInt(1, Math.min(to - at, 32) + 1);
        int source = from + random.nextInt(to - from - length + 1);
        MemorySegment.copy(bytes, source, bytes, at, length);
      }
      case 3 -> put(bytes, at, width, get(bytes, at, width) + (random.nextBoolean() ? 1 : -1));
      case 4 -> put(bytes, at, width, to - from + random.nextInt(-1, 2));
      default -> put(bytes, at, width, interesting());
    }
  }

  private int interesting() {
    return interesting(random);
  }

  private static int interesting(SplittableRandom random) {
    return NUMBERS[random.nextInt(NUMBERS.length)];
  }

  private static int get(MemorySegment bytes, int at, int width) {
    return switch (width) {
      case 1 -> bytes.get(PgLayout.BYTE, at);
      case 2, 3 -> bytes.get(PgLayout.SHORT, at);
      default -> bytes.get(PgLayout.INT, at);
    };
  }

  private static void put(MemorySegment bytes, int at, int width, int value) {
    switch (width) {
      case 1 -> bytes.set(PgLayout.BYTE, at, (byte) value);
      case 2, 3 -> bytes.set(PgLayout.SHORT, at, (short) value);
      default -> bytes.set(PgLayout.INT, at, value);
    }
  }

  /// The bytes with other content or length.
  byte[] bytes(byte[] bytes) {
    int length = bytes.length;
    return switch (random.nextInt(8)) {
      case 0 -> Arrays.copyOf(bytes, random.nextInt(length + 1));
      case 1 -> longer(bytes, 1 + random.nextInt(LONGEST_EXTENSION));
      case 2 -> Arrays.copyOf(bytes, Math.max(0, length + random.nextInt(-4, 5)));
      case 3 -> length == 0 ? bytes : Arrays.copyOfRange(bytes, random.nextInt(length), length);
      default -> {
        byte[] copy = bytes.clone();
        numbers(MemorySegment.ofArray(copy), 0, length);
        yield copy;
      }
    };
  }

  private byte[] longer(byte[] bytes, int by) {
    byte[] longer = Arrays.copyOf(bytes, bytes.length + by);
    for (int at = bytes.length; at < longer.length && random.nextInt(4) > 0; at++) {
      longer[at] = (byte) random.nextInt();
    }
    return longer;
  }

  /// Damages a page in one way.
  void page(MemorySegment page) {
    int lower = Math.clamp(Page.lower(page), Page.HEADER + 4, Page.SIZE);
    int upper = Math.min(Page.upper(page), Page.SIZE);
    int special = Math.min(Page.special(page), Page.SIZE);
    switch (random.nextInt(14)) {
      case 0 -> page.fill((byte) 0);
      case 1 -> page.fill((byte) (random.nextBoolean() ? 0xFF : random.nextInt()));
      case 2, 3 -> put(page, 8 + 2 * random.nextInt(6), 2, interesting());
      case 4 -> put(page, 10 + 2 * random.nextInt(5), 2, random.nextInt(Page.SIZE + 2));
      case 5, 6, 7 -> pointers(page);
      case 8 -> numbers(page, special, Page.SIZE);
      case 9 -> numbers(page, Page.HEADER, lower);
      case 10 -> numbers(page, Page.HEADER, Page.HEADER + 64);
      case 11 -> numbers(page, upper, special);
      case 12 -> overlap(page);
      default -> numbers(page, Page.HEADER, Page.SIZE);
    }
    // The first bytes tell whether the page has the change already; most pages shall not.
    if (random.nextInt(16) > 0) {
      Page.setLsn(page, random.nextInt(2));
    }
  }

  private static int count(MemorySegment page) {
    return Math.clamp(Page.pointers(page), 1, (Page.SIZE - Page.HEADER) / 4);
  }

  /// Makes line pointers the same as one of them, so that their tuples take more than there is.
  private void overlap(MemorySegment page) {
    int count = count(page);
    int pointer = Page.pointer(page, 1 + random.nextInt(count));
    for (int number = 1 + random.nextInt(count); number <= count; number++) {
      Page.setPointer(page, number, pointer);
    }
  }

  /// Changes a few line pointers, each in its way, or all from one on in the same way: the one that
  /// the record names is then among them.
  private void pointers(MemorySegment page) {
    int count = count(page);
    int first = 1 + random.nextInt(count);
    if (random.nextBoolean()) {
      for (int i = random.nextInt(POINTERS_CHANGED); i >= 0; i--) {
        pointer(page, 1 + random.nextInt(count), random);
      }
    } else {
      long same = random.nextLong();
      for (int number = random.nextBoolean() ? 1 : first; number <= count; number++) {
        pointer(page, number, new SplittableRandom(same));
      }
    }
  }

  private static void pointer(MemorySegment page, int number, SplittableRandom random) {
    int old = Page.pointer(page, number);
    int offset = Page.offset(old);
    int flags = Page.pointerFlags(old);
    int length = Page.length(old);
    switch (random.nextInt(6)) {
      case 0 -> offset = interesting(random);
      case 1 -> offset += random.nextInt(-2, 3) * (random.nextBoolean() ? 8 : 1);
      case 2 -> flags = random.nextInt(4);
      case 3 -> length = interesting(random);
      case 4 -> length += random.nextInt(-9, 10);
      default -> {
        int at = random.nextInt(40);
        if (at + 4 <= length && offset + length <= Page.SIZE) {
          put(page, offset + at, 1 << random.nextInt(3), interesting(random));
        }
      }
    }
    Page.setPointer(page, number, Page.pointerOf(offset, flags, length));
  }

  /// Changes a record in one way in which its lengths still agree.
  void record(PgVersion version, RecordParts record) {
    switch (random.nextInt(14)) {
      case 0 -> record.info ^= 0x10 << random.nextInt(4);
      case 1 -> record.info = random.nextInt(256);
      case 2 -> record.rmgr = random.nextInt(8) > 0 ? random.nextInt(22) : random.nextInt(256);
      case 3, 4, 5, 6 -> record.main = bytes(record.main);
      case 7 -> record.main = corpus.source(random).record().main;
      default -> {
        if (!record.blocks.isEmpty()) {
          block(version, record);
        }
      }
    }
  }

  private void block(PgVersion version, RecordParts record) {
    int index = random.nextInt(record.blocks.size());
    RecordParts.Block block = record.blocks.get(index);
    switch (random.nextInt(14)) {
      case 0 -> block.id = random.nextBoolean() ? random.nextInt(6) : random.nextInt(34);
      case 1 -> block.fork = random.nextInt(4);
      case 2 -> block.initializes ^= true;
      case 3 -> block.block = random.nextBoolean() ? interesting() : block.block + 1;
      case 4 -> block.relation++;
      case 5 -> record.blocks.remove(index);
      case 6 -> otherData(record, block);
      case 7 -> block.data = new byte[0];
      case 8 -> {
        byte[] data = Changes.bytes(block.data, block.data);
        block.data = data.length < 0x10000 ? data : block.data;
      }
      case 9 -> {
        RecordParts.Image image = corpus.image(version, random);
        block.image =
            switch (random.nextInt(4)) {
              case 0 -> image;
              case 1 -> new RecordParts.Image(damaged(image.header()), image.stored());
              default -> new RecordParts.Image(image.header(), damaged(image.stored()));
            };
      }
      default -> block.data = bytes(block.data);
    }
    if (random.nextInt(8) > 0) {
      record.blocks.sort((one, two) -> Integer.compare(one.id, two.id));
    }
  }

  private void otherData(RecordParts record, RecordParts.Block block) {
    RecordParts other = random.nextBoolean() ? record : corpus.source(random).record();
    if (!other.blocks.isEmpty()) {
      block.data = other.blocks.get(random.nextInt(other.blocks.size())).data;
    }
  }

  private MemorySegment damaged(MemorySegment bytes) {
    MemorySegment copy = MemorySegment.ofArray(bytes.toArray(PgLayout.BYTE));
    numbers(copy, 0, (int) copy.byteSize());
    return copy;
  }
}
