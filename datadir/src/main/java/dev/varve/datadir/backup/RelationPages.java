package dev.varve.datadir.backup;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.page.Checksum;
import dev.varve.postgres.page.Page;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/// Pages of relations from their files, and how many blocks each fork has.
///
/// A file may be copied while the server writes to it: then its last page may be torn off, and any
/// page may be torn. The WAL from the start of the backup on has an image of each of these. A page
/// whose checksum is wrong though nothing was written to it since is another matter, and reported.
final class RelationPages {

  /// As many pages with wrong checksums are named.
  private static final int MAX_NAMED = 20;

  private static final int PAGES_PER_REPORT = 512;

  private final ImageTarget target;
  private final Lsn start;
  private final byte[] bytes = new byte[Page.SIZE];
  private final MemorySegment page = MemorySegment.ofArray(bytes);
  private final Map<DataFile.RelationSegment, Integer> segments = new HashMap<>();
  private final List<String> wrong = new ArrayList<>();
  private long wrongPages;
  private long pages;

  /// @param target what was written from its start on, the WAL restores
  RelationPages(ImageTarget target) {
    this.target = target;
    this.start = target.start();
  }

  /// Takes in one file.
  ///
  /// @param size bytes that follow
  /// @param report takes how many bytes came, now and then
  void load(DataFile.RelationSegment file, long size, InputStream contents, LongConsumer report)
      throws IOException {
    long blocks = note(file, size);
    long unreported = 0;
    for (long block = 0; block < blocks; block++) {
      int length = (int) Math.min(Page.SIZE, size - block * Page.SIZE);
      read(contents, length, file);
      put(file, (int) (file.segment() * (long) DataFile.RelationSegment.BLOCKS + block));
      unreported += length;
      if (block % PAGES_PER_REPORT == PAGES_PER_REPORT - 1) {
        report.accept(unreported);
        unreported = 0;
      }
    }
    report.accept(unreported);
  }

  /// Counts the blocks of one file, and does not look into it.
  void leave(DataFile.RelationSegment file, long size) {
    pages += note(file, size);
  }

  /// @return how many blocks it has
  private long note(DataFile.RelationSegment file, long size) {
    long blocks = (size + Page.SIZE - 1) / Page.SIZE;
    if (blocks > DataFile.RelationSegment.BLOCKS) {
      throw new PageserverException.InvalidRequest(
          "a file of relation %s has %d bytes, more than PostgreSQL puts into one"
              .formatted(fork(file), size));
    }
    if (segments.put(file, (int) blocks) != null) {
      throw new PageserverException.InvalidRequest(
          "the backup has a file of relation " + fork(file) + " twice");
    }
    return blocks;
  }

  /// A page that is not whole is filled up with zeroes.
  private void read(InputStream contents, int length, DataFile.RelationSegment file)
      throws IOException {
    int read = contents.readNBytes(bytes, 0, length);
    if (read < length) {
      throw new IOException("the file of relation " + fork(file) + " ends too early");
    }
    page.asSlice(length).fill((byte) 0);
  }

  private void put(DataFile.RelationSegment file, int block) {
    pages++;
    boolean older = Long.compareUnsigned(Page.lsn(page), start.value()) < 0;
    if (older && !Page.isNew(page) && !Checksum.isRight(page, block)) {
      wrongPages++;
      if (wrong.size() < MAX_NAMED) {
        wrong.add(fork(file) + " block " + Integer.toUnsignedString(block));
      }
    }
    target.image(
        Key.upper(DirectoryKeys.PAGE, file.tablespace()),
        Key.middle(file.database(), file.relation()),
        Key.lower(file.fork(), block),
        page,
        0,
        Page.SIZE);
  }

  private static RelationFork fork(DataFile.RelationSegment file) {
    return new RelationFork(file.tablespace(), file.database(), file.relation(), file.fork());
  }

  /// How many pages came.
  long pages() {
    return pages;
  }

  /// Pages whose checksums are wrong though they are from before the backup; to be told when the
  /// cluster has checksums at all.
  void warnOfChecksums(Warnings warnings) {
    if (wrongPages > 0) {
      warnings.add(
          "%d pages have wrong checksums, and unless they were written during the backup they are damaged: %s%s"
              .formatted(
                  wrongPages, String.join(", ", wrong), wrongPages > wrong.size() ? ", …" : ""));
    }
  }

  /// How many blocks each fork has, as PostgreSQL counts them: up to the first file that is not
  /// full. Of an unlogged relation only the init fork counts.
  Map<RelationFork, Long> sizes() {
    Map<RelationFork, Long> sizes = new HashMap<>();
    for (DataFile.RelationSegment file : segments.keySet()) {
      RelationFork fork = fork(file);
      boolean unlogged = segments.containsKey(segment(fork.withFork(RelationFork.INIT), 0));
      if (file.segment() == 0 && (fork.fork() == RelationFork.INIT || !unlogged)) {
        sizes.put(fork, blocks(fork));
      }
    }
    return sizes;
  }

  private long blocks(RelationFork fork) {
    long blocks = 0;
    int number = 0;
    Integer inFile;
    do {
      inFile = segments.getOrDefault(segment(fork, number), 0);
      blocks += inFile;
      number++;
    } while (inFile == DataFile.RelationSegment.BLOCKS);
    return blocks;
  }

  private static DataFile.RelationSegment segment(RelationFork fork, int number) {
    return new DataFile.RelationSegment(
        fork.tablespace(), fork.database(), fork.relation(), fork.fork(), number);
  }
}
