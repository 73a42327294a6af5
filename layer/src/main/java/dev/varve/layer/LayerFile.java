package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A layer file ({@link LayerFormat}) for reading, of either kind. It is opened, and header and
/// footer checked, when it is first read. Safe from any thread.
final class LayerFile {

  private static final Logger LOG = System.getLogger(LayerFile.class.getName());

  private final LayerFiles files;
  private final Path path;
  private final LayerName name;
  private final LayerIdentity identity;
  private final long number;
  private final References references = new References(this::free);
  private final Residency residency;
  private final FileBlocks blocks;
  private final RemoteBlocks remote;

  /// As the file has it, checked with its header.
  private volatile @Nullable LayerFooter footer;

  /// As the object has it.
  private volatile @Nullable LayerFooter objectFooter;

  private volatile boolean deleted;

  /// @param object where the layer is, if its file is not here; null: the file is here
  LayerFile(
      LayerFiles files, Path path, LayerName name, LayerOwner owner, @Nullable RemoteLayer object) {
    this.files = files;
    this.path = path;
    this.name = name;
    this.identity = new LayerIdentity(name, owner);
    this.number = files.nextNumber();
    this.residency = new Residency(files, path, number, object, () -> footer = null);
    this.blocks = new FileBlocks(files, path, name, number, references, residency);
    this.remote = new RemoteBlocks(files.cache(), blocks, number, residency);
  }

  Path path() {
    return path;
  }

  LayerName name() {
    return name;
  }

  References references() {
    return references;
  }

  Residency residency() {
    return residency;
  }

  void deleteWhenReleased() {
    deleted = true;
  }

  /// The file may be another than the one that was opened, with the same content: it was put back.
  void reopen() throws IOException {
    footer = null;
    files.reopen(number);
  }

  private void free() {
    try {
      files.forget(number);
      if (deleted) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      // Whoever gave back the last reference is not to blame; the next start deletes what is
      // unlisted.
      LOG.log(Level.WARNING, "could not close or delete layer file " + path, e);
    }
  }

  /// The footer, checked. Two threads may both read it, to the same end.
  LayerFooter footer() throws IOException {
    LayerFooter known = footer;
    return known == null ? open() : known;
  }

  private LayerFooter open() throws IOException {
    blocks.requireReferenced();
    RemoteLayer object = null;
    while (object == null) {
      int arrivals = residency.arrivals();
      object = residency.object();
      if (object == null) {
        try {
          LayerFooter found = openFile();
          footer = found;
          return found;
        } catch (NoSuchFileException e) {
          object = blocks.bytes().insteadOfFile(e, arrivals);
        }
      }
    }
    LayerFooter known = objectFooter;
    if (known == null) {
      known = openObject(object);
      objectFooter = known;
    }
    return known;
  }

  /// The header is not read: the footer says whether it is the one that it should be.
  private LayerFooter openObject(RemoteLayer object) throws IOException {
    byte[] end = remote.end(object);
    byte[] tail = Arrays.copyOfRange(end, end.length - LayerFooter.BYTES, end.length);
    LayerFooter found;
    try {
      found = identity.footer(tail, object.bytes(), identity.headerCrc());
    } catch (MalformedBlockException e) {
      throw blocks.corrupt(object, object.bytes() - tail.length, e.getMessage());
    }
    remote.takeRoot(end, found, object);
    return found;
  }

  private LayerFooter openFile() throws IOException {
    long size = files.size(number, path);
    if (size < LayerHeader.BYTES + LayerFooter.BYTES) {
      throw blocks.corrupt(null, 0, "a layer file of " + size + " bytes");
    }
    BlockReader reader = files.takeReader();
    long at = 0;
    try {
      byte[] head = new byte[LayerHeader.BYTES];
      files.read(number, path, 0, head, head.length, reader.buffer());
      byte[] tail = new byte[LayerFooter.BYTES];
      files.read(number, path, size - tail.length, tail, tail.length, reader.buffer());
      int crc = identity.checkHeader(head);
      at = size - tail.length;
      return identity.footer(tail, size, crc);
    } catch (MalformedBlockException e) {
      throw blocks.corrupt(null, at, e.getMessage());
    } finally {
      files.giveBack(reader);
    }
  }

  private IOException corrupt(long offset, @Nullable String finding) {
    return blocks.corrupt(residency.object(), offset, finding);
  }

  boolean find(long upper, long middle, long lower, long floor, long end, VersionSink sink)
      throws IOException {
    if (!mayHave(upper, middle, lower, floor, end)) {
      return false;
    }
    ReadAhead ahead = sink.ahead();
    IndexBlock root = root(ahead);
    int part = root.lastBefore(upper, middle, lower, end);
    if (part >= 0 && residency.isRemote()) {
      remote.fetchPart(root, part, footer().size());
    }
    if (part < 0 || !filter(root, part, ahead).mayContain(KeyHash.of(upper, middle, lower))) {
      return false;
    }
    residency.touch();
    for (; part >= 0; part--) {
      IndexBlock leaf = leaf(root, part, ahead);
      for (int i = lastBefore(leaf, upper, middle, lower, end, ahead); i >= 0; i--) {
        switch (find(leaf, i, upper, middle, lower, floor, end, sink)) {
          case ENOUGH -> {
            return true;
          }
          case FLOOR -> {
            return false;
          }
          case OLDER -> {
            // Only a block that begins with the key has more of it before.
            if (!leaf.isKey(i, upper, middle, lower)
                || Long.compareUnsigned(leaf.lsn(i), floor) <= 0) {
              return false;
            }
          }
        }
      }
    }
    return false;
  }

  /// Looks into one data block. One that was not asked for of late is not worth a place in the
  /// cache, nor memory of its own.
  private DataBlock.Outcome find(
      IndexBlock leaf,
      int entry,
      long upper,
      long middle,
      long lower,
      long floor,
      long end,
      VersionSink sink)
      throws IOException {
    ReadAhead ahead = sink.ahead();
    if (residency.isRemote()) {
      fetch(leaf, entry, upper, middle, lower, floor, ahead);
    }
    DataBlock kept =
        ahead == null ? blocks.kept(leaf, entry, footer().size()) : data(leaf, entry, ahead);
    if (kept != null) {
      return kept.find(upper, middle, lower, floor, end, sink);
    }
    blocks.requireReferenced();
    BlockReader reader = files.takeReader();
    try {
      return read(reader, leaf, entry, reader.unpacked(leaf.unpacked(entry)))
          .find(upper, middle, lower, floor, end, sink);
    } finally {
      files.giveBack(reader);
    }
  }

  private void fetch(
      IndexBlock leaf,
      int entry,
      long upper,
      long middle,
      long lower,
      long floor,
      @Nullable ReadAhead ahead)
      throws IOException {
    boolean older =
        name.kind() == LayerKind.DELTA
            && leaf.isKey(entry, upper, middle, lower)
            && Long.compareUnsigned(leaf.lsn(entry), floor) > 0;
    remote.fetchData(leaf, entry, older, footer().size(), ahead);
  }

  private static int lastBefore(
      IndexBlock leaf, long upper, long middle, long lower, long end, @Nullable ReadAhead ahead) {
    if (ahead == null) {
      return leaf.lastBefore(upper, middle, lower, end);
    }
    int last = leaf.lastBefore(upper, middle, lower, end, ahead.lastEntry);
    ahead.lastEntry = last;
    return last;
  }

  private boolean mayHave(long upper, long middle, long lower, long floor, long end) {
    Key first = name.keys().start();
    Key last = name.keys().end();
    return Long.compareUnsigned(name.lsns().start().value(), end) < 0
        && Long.compareUnsigned(floor, name.lsns().end().value()) < 0
        && Key.compare(upper, middle, lower, first.upper(), first.middle(), first.lower()) >= 0
        && Key.compare(upper, middle, lower, last.upper(), last.middle(), last.lower()) < 0;
  }

  boolean isFetchNeeded(long upper, long middle, long lower, long floor, long end) {
    if (!residency.isRemote() || !mayHave(upper, middle, lower, floor, end)) {
      return false;
    }
    LayerFooter known = footer == null ? objectFooter : footer;
    return known == null || remote.isFetchNeeded(known, upper, middle, lower, end);
  }

  /// Stops at the first version.
  private record First(@Nullable ReadAhead ahead) implements VersionSink {
    @Override
    public boolean add(long lsn, boolean image, boolean initializes, MemorySegment bytes) {
      return true;
    }
  }

  void prefetch(
      long upper, long middle, long lower, long floor, long end, @Nullable ReadAhead ahead)
      throws IOException {
    if (residency.isRemote()) {
      find(upper, middle, lower, floor, end, new First(ahead));
    }
  }

  LayerCursor cursor(KeyRange keys) throws IOException {
    if (!references.acquire()) {
      throw new IllegalStateException("layer " + name + " is closed");
    }
    try {
      return new FileCursor(this, keys);
    } catch (Throwable e) {
      references.release();
      throw e;
    }
  }

  /// Reads everything there is and checks that it belongs together.
  void verify() throws IOException {
    long versions = 0;
    try (LayerCursor cursor = cursor(KeyRange.ALL)) {
      var extent = new LayerExtent();
      IndexBlock root = root();
      while (cursor.next()) {
        long u = cursor.upper();
        long m = cursor.middle();
        long l = cursor.lower();
        int part = root.lastBefore(u, m, l, cursor.lsn() + 1);
        boolean filtered = part >= 0 && filter(root, part, null).mayContain(KeyHash.of(u, m, l));
        Lsn lsn = new Lsn(cursor.lsn());
        if (!filtered || !name.keys().contains(Key.of(u, m, l)) || !name.lsns().contains(lsn)) {
          throw corrupt(0, Key.of(u, m, l) + " at " + lsn + " does not belong where it is");
        }
        extent.add(u, m, l, cursor.lsn());
        versions++;
      }
    } catch (IllegalArgumentException e) {
      throw corrupt(0, e.getMessage());
    }
    if (versions != footer().versions()) {
      throw corrupt(0, versions + " versions, the footer says " + footer().versions());
    }
  }

  IndexBlock root() throws IOException {
    return root(null);
  }

  private IndexBlock root(@Nullable ReadAhead ahead) throws IOException {
    LayerFooter.Root root = footer().root();
    return (IndexBlock) block(BlockKind.ROOT, root.offset(), root.length(), root.unpacked(), ahead);
  }

  IndexBlock leaf(IndexBlock root, int part) throws IOException {
    return leaf(root, part, null);
  }

  private IndexBlock leaf(IndexBlock root, int part, @Nullable ReadAhead ahead) throws IOException {
    return (IndexBlock)
        block(BlockKind.LEAF, root.offset(part), root.length(part), root.unpacked(part), ahead);
  }

  private KeyFilter filter(IndexBlock root, int part, @Nullable ReadAhead ahead)
      throws IOException {
    int length = root.filterLength(part);
    return (KeyFilter)
        block(
            BlockKind.FILTER, root.offset(part) - length, length, root.filterUnpacked(part), ahead);
  }

  private CachedBlock block(
      BlockKind kind, long offset, int length, int unpacked, @Nullable ReadAhead ahead)
      throws IOException {
    return blocks.get(kind, offset, length, unpacked, footer().size(), ahead);
  }

  DataBlock data(IndexBlock leaf, int entry) throws IOException {
    return data(leaf, entry, null);
  }

  private DataBlock data(IndexBlock leaf, int entry, @Nullable ReadAhead ahead) throws IOException {
    if (ahead != null) {
      blocks.readAhead(leaf, entry, footer().size(), ahead);
    }
    return (DataBlock)
        block(BlockKind.DATA, leaf.offset(entry), leaf.length(entry), leaf.unpacked(entry), ahead);
  }

  /// Reads a data block past the cache.
  ///
  /// @param target to unpack into, if it is long enough
  DataBlock read(BlockReader reader, IndexBlock leaf, int entry, byte[] target) throws IOException {
    return blocks.read(reader, leaf, entry, footer().size(), target);
  }

  /// Reads a data block for a cursor, while the file is not here.
  ///
  /// @param target to unpack into, if it is long enough; null: the block is kept
  /// @return null when the file is here
  @Nullable DataBlock read(RemoteRun run, IndexBlock leaf, int entry, byte @Nullable [] target)
      throws IOException {
    return remote.read(run, leaf, entry, footer().size(), target);
  }

  BlockReader takeReader() {
    return files.takeReader();
  }

  void giveBack(BlockReader reader) {
    files.giveBack(reader);
  }
}
