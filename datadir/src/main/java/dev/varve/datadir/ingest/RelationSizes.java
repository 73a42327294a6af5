package dev.varve.datadir.ingest;

import static dev.varve.datadir.DirectoryKeys.PAGE;
import static dev.varve.datadir.DirectoryKeys.RELATION_SIZE;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How many blocks each relation fork has, as of the record at hand: the writer's own view, which
/// also writes the sizes. Hot: a size that is known costs one probe of a hash table of primitives.
///
/// The table is bounded: when it is full it forgets everything, and asks the timeline again.
///
/// | size         | meaning                          |
/// |--------------|----------------------------------|
/// | 0 and more   | number of blocks                 |
/// | {@link #ABSENT} | there is no such fork         |
final class RelationSizes {

  static final long ABSENT = -1;

  private static final long FREE = -2;

  /// Blocks by which a record may name one past the end: 32 GiB. A server extends by far less; and
  /// the zeroes must fit into memory.
  private static final long MAX_GAP = 1 << 22;

  private static final int FIRST_SLOTS = 1 << 10;
  private static final int MAX_SLOTS = 1 << 17;

  private final VersionWriter writer;
  private long[] directories = new long[FIRST_SLOTS];
  private long[] files = new long[FIRST_SLOTS];
  private long[] sizes = new long[FIRST_SLOTS];
  private int used;

  RelationSizes(VersionWriter writer) {
    this.writer = writer;
    Arrays.fill(sizes, FREE);
  }

  /// @return number of blocks, or {@link #ABSENT}
  long blocks(int tablespace, int database, int relation, int fork) {
    int slot = slot(tablespace, database, relation, fork); // First: it may make the table anew.
    return sizes[slot];
  }

  /// Makes a fork that isn't there yet, of no blocks.
  void create(int tablespace, int database, int relation, int fork) {
    if (blocks(tablespace, database, relation, fork) == ABSENT) {
      put(tablespace, database, relation, fork, 0);
    }
  }

  /// Makes the fork long enough for a block that a record names. What lies between its end and the
  /// block becomes zero, as does the block itself unless the record makes it from nothing: whatever
  /// these keys held when the relation was longer, or another one, must not come back.
  void cover(int tablespace, int database, int relation, int fork, int block, boolean initializes) {
    long size = blocks(tablespace, database, relation, fork);
    long wanted = Integer.toUnsignedLong(block);
    if (wanted < size) {
      return;
    }
    if (wanted - size > MAX_GAP || block == -1) {
      throw new PageserverException.DataCorrupted(
          "a record names block %d of %s, which has %d blocks"
              .formatted(
                  wanted,
                  new RelationFork(tablespace, database, relation, fork),
                  Math.max(size, 0)));
    }
    long upper = Key.upper(PAGE, tablespace);
    long middle = Key.middle(database, relation);
    long end = initializes ? wanted : wanted + 1;
    for (long zero = Math.max(size, 0); zero < end; zero++) {
      writer.zeroPageBefore(upper, middle, Key.lower(fork, (int) zero));
    }
    put(tablespace, database, relation, fork, wanted + 1);
  }

  /// Cuts the fork, if it is longer.
  void truncate(int tablespace, int database, int relation, int fork, long blocks) {
    if (blocks(tablespace, database, relation, fork) > blocks) {
      put(tablespace, database, relation, fork, blocks);
    }
  }

  /// Sets what a fork's size is, whether it was there or not.
  void put(int tablespace, int database, int relation, int fork, long blocks) {
    int slot = slot(tablespace, database, relation, fork);
    sizes[slot] = blocks;
    writer.intValue(
        Key.upper(RELATION_SIZE, tablespace),
        Key.middle(database, relation),
        Key.lower(fork, 0),
        (int) blocks);
  }

  /// Drops all forks of a relation.
  void drop(int tablespace, int database, int relation) {
    for (int fork = 0; fork < RelationFork.FORKS; fork++) {
      int slot = slot(tablespace, database, relation, fork);
      if (sizes[slot] != ABSENT) {
        sizes[slot] = ABSENT;
        writer.remove(
            Key.upper(RELATION_SIZE, tablespace),
            Key.middle(database, relation),
            Key.lower(fork, 0));
      }
    }
  }

  /// Drops all relations of a database in one tablespace.
  void dropAll(int tablespace, int database) {
    List<Key> keys = new ArrayList<>();
    writer.scan(DirectoryKeys.relationSizes(tablespace, database), (key, _) -> keys.add(key));
    keys.forEach(writer::remove);
    forget();
  }

  private int slot(int tablespace, int database, int relation, int fork) {
    long directory = (long) tablespace << 32 | Integer.toUnsignedLong(database);
    long file = (long) relation << 32 | fork;
    int slot = probe(directory, file);
    if (sizes[slot] == FREE) {
      if (used >= sizes.length / 2) {
        makeRoom();
        slot = probe(directory, file);
      }
      long size = read(tablespace, database, relation, fork);
      directories[slot] = directory;
      files[slot] = file;
      sizes[slot] = size;
      used++;
    }
    return slot;
  }

  private int probe(long directory, long file) {
    int mask = sizes.length - 1;
    int slot = hash(directory, file) & mask;
    while (sizes[slot] != FREE && (directories[slot] != directory || files[slot] != file)) {
      slot = slot + 1 & mask;
    }
    return slot;
  }

  private static int hash(long directory, long file) {
    long mixed = (directory * 31 + file) * 0x9E37_79B9_7F4A_7C15L;
    return (int) (mixed >>> 32);
  }

  private void makeRoom() {
    if (sizes.length >= MAX_SLOTS) {
      forget();
      return;
    }
    long[] oldDirectories = directories;
    long[] oldFiles = files;
    long[] oldSizes = sizes;
    directories = new long[2 * oldSizes.length];
    files = new long[2 * oldSizes.length];
    sizes = new long[2 * oldSizes.length];
    Arrays.fill(sizes, FREE);
    for (int i = 0; i < oldSizes.length; i++) {
      if (oldSizes[i] != FREE) {
        int slot = probe(oldDirectories[i], oldFiles[i]);
        directories[slot] = oldDirectories[i];
        files[slot] = oldFiles[i];
        sizes[slot] = oldSizes[i];
      }
    }
  }

  private void forget() {
    Arrays.fill(sizes, FREE);
    used = 0;
  }

  private long read(int tablespace, int database, int relation, int fork) {
    byte[] value = writer.newest(new Key(RELATION_SIZE, tablespace, database, relation, fork, 0));
    if (value == null) {
      return ABSENT;
    }
    return DirectoryValues.size(value);
  }
}
