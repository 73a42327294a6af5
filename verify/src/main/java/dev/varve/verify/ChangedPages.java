package dev.varve.verify;

import dev.varve.postgres.page.Page;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Pages on disk: those of a data directory, which is only read, and in front of them those that
/// were changed, in files of a scratch folder. Of one thread.
///
/// A scratch file is sparse and as long as the data file that it stands before. Memory: 16 KiB for
/// each GiB of data in which anything changed, and some bytes for each file.
final class ChangedPages implements AutoCloseable {

  private static final int MOST_OPEN = 200;

  private final Map<Stretch, Path> base;
  private final Path scratch;
  private final Map<Stretch, Changed> changed = new HashMap<>();
  private final OpenFiles open = new OpenFiles();

  private record Changed(Path file, BitSet pages) {}

  /// Channels in use, the one that was not used for longest first.
  private static final class OpenFiles extends LinkedHashMap<Path, FileChannel> {
    OpenFiles() {
      super(2 * MOST_OPEN, 0.75f, true);
    }
  }

  /// @param base where the pages of the data directory are
  /// @param scratch an empty folder
  ChangedPages(Map<Stretch, Path> base, Path scratch) {
    this.base = Map.copyOf(base);
    this.scratch = scratch;
  }

  /// @param target gets the page; what is missing at the end of a file is zero
  /// @return whether there is one
  boolean read(long upper, long middle, long lower, MemorySegment target) throws IOException {
    Stretch stretch = Stretch.of(upper, middle, lower);
    int index = Stretch.index(lower);
    Changed own = changed.get(stretch);
    Path file = own != null && own.pages.get(index) ? own.file : base.get(stretch);
    return file != null && read(file, index, target);
  }

  private boolean read(Path file, int index, MemorySegment target) throws IOException {
    FileChannel channel = channel(file);
    ByteBuffer buffer = target.asByteBuffer();
    long at = (long) index * Page.SIZE;
    while (buffer.hasRemaining() && channel.read(buffer, at + buffer.position()) > 0) {
      // One read may give less than there is.
    }
    boolean any = buffer.position() > 0;
    target.asSlice(buffer.position()).fill((byte) 0);
    return any;
  }

  void write(long upper, long middle, long lower, MemorySegment page) throws IOException {
    Stretch stretch = Stretch.of(upper, middle, lower);
    int index = Stretch.index(lower);
    Changed own = changed.get(stretch);
    if (own == null) {
      own = new Changed(scratch.resolve(changed.size() + ".pages"), new BitSet());
      changed.put(stretch, own);
    }
    FileChannel channel = channel(own.file);
    ByteBuffer buffer = page.asByteBuffer();
    long at = (long) index * Page.SIZE;
    while (buffer.hasRemaining()) {
      channel.write(buffer, at + buffer.position());
    }
    own.pages.set(index);
  }

  private FileChannel channel(Path file) throws IOException {
    FileChannel channel = open.get(file);
    if (channel == null) {
      if (open.size() == MOST_OPEN) {
        open.pollFirstEntry().getValue().close();
      }
      channel =
          scratch.equals(file.getParent())
              ? FileChannel.open(
                  file,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE,
                  StandardOpenOption.CREATE)
              : FileChannel.open(file, StandardOpenOption.READ);
      open.put(file, channel);
    }
    return channel;
  }

  /// Closes and deletes the scratch files.
  @Override
  public void close() throws IOException {
    IOException failure = null;
    for (FileChannel channel : open.values()) {
      failure = after(failure, channel::close);
    }
    for (Changed own : changed.values()) {
      failure = after(failure, () -> Files.deleteIfExists(own.file));
    }
    if (failure != null) {
      throw failure;
    }
  }

  private interface Step {
    void run() throws IOException;
  }

  private static @Nullable IOException after(@Nullable IOException failure, Step step) {
    try {
      step.run();
      return failure;
    } catch (IOException e) {
      if (failure == null) {
        return e;
      }
      failure.addSuppressed(e);
      return failure;
    }
  }
}
