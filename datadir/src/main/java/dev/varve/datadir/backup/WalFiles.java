package dev.varve.datadir.backup;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// WAL as segment files in folders: the first that has a segment gives it.
final class WalFiles {

  private static final int PAGE = WalSegments.PAGE_SIZE;

  private final List<Path> folders;
  private final WalSegments segments;
  private final int tli;

  WalFiles(List<Path> folders, int segmentSize, int tli) {
    this.folders = List.copyOf(folders);
    this.segments = new WalSegments(segmentSize);
    this.tli = tli;
  }

  /// Feeds the log page by page, from where the ingest is, until `done` says so or there is no more
  /// of it. A page at a time, since what follows the end of the log in a segment may be anything.
  ///
  /// @return whether it is done
  boolean feed(WalIngest ingest, BooleanSupplier done) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(PAGE);
    MemorySegment bytes = MemorySegment.ofArray(buffer.array());
    while (!done.getAsBoolean()) {
      Path file = file(ingest.position());
      if (file == null || ingest.ended()) {
        return false;
      }
      try (FileChannel channel = FileChannel.open(file)) {
        long segment = segments.number(ingest.position().value());
        while (segments.number(ingest.position().value()) == segment && !done.getAsBoolean()) {
          if (ingest.ended() || !feedPage(ingest, channel, buffer, bytes)) {
            return false;
          }
        }
      }
    }
    return true;
  }

  /// @return whether there was anything to feed
  private boolean feedPage(
      WalIngest ingest, FileChannel channel, ByteBuffer buffer, MemorySegment bytes)
      throws IOException {
    long at = ingest.position().value();
    int length = PAGE - (int) (at & (PAGE - 1));
    buffer.clear().limit(length);
    long offset = segments.offset(at);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, offset + buffer.position()) < 0) {
        break;
      }
    }
    ingest.feed(at, bytes, 0, buffer.position());
    return buffer.position() > 0;
  }

  private @Nullable Path file(Lsn lsn) {
    String name = segments.nameOf(tli, lsn.value()).toString();
    for (Path folder : folders) {
      Path file = folder.resolve(name);
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    return null;
  }
}
