package dev.varve.datadir.restore;

import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Key;
import dev.varve.postgres.page.Checksum;
import dev.varve.postgres.page.Page;
import dev.varve.timeline.PagesAhead;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Files of relations on their way into a tar, in the order in which they are added. Their pages
/// are read ahead, across files: most relations are smaller than what is read at once. For one
/// thread.
final class RelationFiles implements AutoCloseable {

  /// Blocks that follow each other in one file.
  ///
  /// @param path of the file if it begins here; null: it has begun
  /// @param fileBlocks of the whole file
  /// @param left how many of them follow after these
  private record Piece(
      @Nullable String path, long fileBlocks, RelationFork fork, long first, int count, long left) {

    /// Whether the file ends with it.
    boolean isLast() {
      return left == 0;
    }
  }

  private final BackupTar tar;
  private final PagesAhead ahead;
  private final boolean checksums;

  /// Batches that are being read, and files without pages between them.
  private final Deque<List<Piece>> begun = new ArrayDeque<>();

  private List<Piece> pieces = new ArrayList<>();
  private List<Key> keys = new ArrayList<>();

  /// @param checksums whether pages have one
  RelationFiles(BackupTar tar, DataDirectory directory, boolean checksums) {
    this.tar = tar;
    this.checksums = checksums;
    ahead = PagesAhead.of(directory.timeline(), directory.lsn());
  }

  /// Adds a file, which is written later.
  ///
  /// @param first block of the fork, and how many
  void add(String path, RelationFork fork, long first, long count) throws IOException {
    String begins = path;
    long done = 0;
    do {
      int some = (int) Math.min(PagesAhead.BATCH - keys.size(), count - done);
      long left = count - done - some;
      pieces.add(new Piece(begins, count, fork, first + done, some, left));
      for (int i = 0; i < some; i++) {
        keys.add(DirectoryKeys.relationBlock(fork, (int) (first + done + i)));
      }
      begins = null;
      done += some;
      if (keys.size() == PagesAhead.BATCH || pieces.size() > PagesAhead.BATCH) {
        beginBatch();
      }
    } while (done < count);
  }

  private void beginBatch() throws IOException {
    if (!keys.isEmpty()) {
      while (!ahead.hasRoom()) {
        writeBatch();
      }
      ahead.begin(keys);
    }
    begun.add(pieces);
    pieces = new ArrayList<>();
    keys = new ArrayList<>();
  }

  /// Writes all that was added.
  void flush() throws IOException {
    beginBatch();
    while (!begun.isEmpty()) {
      writeBatch();
    }
  }

  private void writeBatch() throws IOException {
    List<Piece> batch = begun.removeFirst();
    boolean hasPages = batch.stream().anyMatch(piece -> piece.count > 0);
    byte[] pages = hasPages ? ahead.take() : new byte[0];
    int at = 0;
    for (Piece piece : batch) {
      if (piece.path != null) {
        tar.begin(piece.path, piece.fileBlocks * Page.SIZE);
      }
      if (checksums) {
        addChecksums(MemorySegment.ofArray(pages), at, piece);
      }
      tar.write(pages, at, piece.count * Page.SIZE);
      at += piece.count * Page.SIZE;
      if (piece.isLast()) {
        tar.end();
      }
    }
  }

  private static void addChecksums(MemorySegment pages, int at, Piece piece) {
    for (int i = 0; i < piece.count; i++) {
      MemorySegment page = pages.asSlice(at + (long) i * Page.SIZE, Page.SIZE);
      if (!Page.isNew(page)) {
        Page.setChecksum(page, Checksum.of(page, (int) piece.first + i));
      }
    }
  }

  @Override
  public void close() {
    ahead.close();
  }
}
