package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Walks over a layer file, block by block, past the cache of data blocks: a walk over a whole
/// layer must not drive out what others read.
final class FileCursor implements LayerCursor {

  private static final int BLOCKS_CACHED = 4;
  private static final int BUFFER = 1 << 16;

  private final LayerFile file;
  private final Key start;
  private final Key end;
  private final IndexBlock root;
  private final DataBlockWalk walk = new DataBlockWalk();
  private int blocksRead;
  private @Nullable BlockReader reader;
  private byte[] buffer = new byte[0];
  private @Nullable RemoteRun run;
  private int part;
  private @Nullable IndexBlock leaf;
  private int entry;
  private @Nullable DataBlock block;
  private boolean ended;
  private boolean closed;

  /// Takes over the caller's reference to the file, unless it fails.
  FileCursor(LayerFile file, KeyRange keys) throws IOException {
    this.file = file;
    this.start = keys.start();
    this.end = keys.end();
    this.root = file.root();
    this.part = Math.max(0, root.lastBefore(start.upper(), start.middle(), start.lower(), 0));
    this.leaf = file.leaf(root, part);
    this.entry = Math.max(0, leaf.lastBefore(start.upper(), start.middle(), start.lower(), 0)) - 1;
  }

  @Override
  public boolean next() throws IOException {
    requireOpen();
    while (!ended) {
      if (block == null || !walk.next()) {
        ended = !nextBlock();
      } else if (compare(end) >= 0) {
        ended = true;
      } else if (compare(start) >= 0) {
        return true;
      }
    }
    block = null;
    return false;
  }

  private int compare(Key bound) {
    return Key.compare(
        walk.upper, walk.middle, walk.lower, bound.upper(), bound.middle(), bound.lower());
  }

  private boolean nextBlock() throws IOException {
    IndexBlock current = leaf;
    if (current == null) {
      return false;
    }
    entry++;
    if (entry == current.count()) {
      part++;
      entry = 0;
      current = part == root.count() ? null : file.leaf(root, part);
      leaf = current;
      if (current == null) {
        return false;
      }
    }
    if (Key.compare(
            current.upper(entry),
            current.middle(entry),
            current.lower(entry),
            end.upper(),
            end.middle(),
            end.lower())
        >= 0) {
      return false;
    }
    DataBlock next = file.residency().isRemote() ? readRemote(current) : null;
    if (next == null) {
      next = blocksRead++ < BLOCKS_CACHED ? file.data(current, entry) : readUncached(current);
    }
    walk.reset(next);
    block = next;
    return true;
  }

  /// @return null when the file is here again
  private @Nullable DataBlock readRemote(IndexBlock current) throws IOException {
    RemoteRun with = run;
    if (with == null) {
      with = new RemoteRun(end);
      run = with;
    }
    boolean keep = blocksRead++ < BLOCKS_CACHED;
    if (!keep && buffer.length == 0) {
      buffer = new byte[BUFFER];
    }
    return file.read(with, current, entry, keep ? null : buffer);
  }

  private DataBlock readUncached(IndexBlock current) throws IOException {
    BlockReader with = reader;
    if (with == null) {
      with = file.takeReader();
      reader = with;
      buffer = buffer.length == 0 ? new byte[BUFFER] : buffer;
    }
    return file.read(with, current, entry, buffer);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the cursor is closed");
    }
  }

  private DataBlock here() {
    DataBlock here = block;
    if (here == null || closed) {
      throw new IllegalStateException("the cursor stands on no version");
    }
    return here;
  }

  @Override
  public long upper() {
    return walk.upper;
  }

  @Override
  public long middle() {
    return walk.middle;
  }

  @Override
  public long lower() {
    return walk.lower;
  }

  @Override
  public long lsn() {
    return walk.lsn();
  }

  @Override
  public boolean image() {
    return walk.image();
  }

  @Override
  public boolean initializes() {
    return walk.initializes();
  }

  @Override
  public MemorySegment memory() {
    return here().view();
  }

  @Override
  public long offset() {
    here();
    return walk.offset();
  }

  @Override
  public int length() {
    here();
    return walk.size();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      if (reader != null) {
        file.giveBack(reader);
      }
      file.references().release();
    }
  }
}
