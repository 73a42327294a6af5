package dev.varve.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.model.Key;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageKind;
import dev.varve.postgres.wal.RecordHandler;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.ChangeWriter;
import dev.varve.redo.Redo;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Pages of a real run with the changes that follow them in its WAL, as a layer keeps them.
final class RedoChains implements RecordHandler {

  /// The longest chain that is kept of a page.
  static final int LONGEST = 1000;

  /// A page and what changes it.
  static final class Chain {
    private final Key key;

    /// As redo left it before the first change.
    private final MemorySegment base;

    private final long[] lsns;
    private final MemorySegment[] changes;

    private Chain(Key key, MemorySegment base, long[] lsns, MemorySegment[] changes) {
      this.key = key;
      this.base = base;
      this.lsns = lsns;
      this.changes = changes;
    }

    /// Makes the page in `target`.
    void replay(Redo redo, MemorySegment target) {
      MemorySegment.copy(base, 0, target, 0, Page.SIZE);
      for (int i = 0; i < changes.length; i++) {
        redo.apply(key, lsns[i], target, changes[i]);
      }
    }
  }

  /// What has been seen of a page since its last image.
  private static final class Growing {
    final byte[] base = new byte[Page.SIZE];
    final List<Long> lsns = new ArrayList<>();
    final List<byte[]> changes = new ArrayList<>();

    void write(DataOutputStream out, int length) throws IOException {
      out.write(base);
      out.writeInt(length);
      out.writeInt(changes.stream().limit(length).mapToInt(change -> change.length).sum());
      for (int i = 0; i < length; i++) {
        out.writeLong(lsns.get(i));
        out.writeInt(changes.get(i).length);
        out.write(changes.get(i));
      }
    }
  }

  private static final int FIRST_USER_RELATION = 16384;

  private final @Nullable PageKind only;
  private final Redo redo = new Redo(PgVersion.V15);
  private final Map<Key, Growing> pages = new HashMap<>();
  private final MemorySegment buffer = MemorySegment.ofArray(new byte[1 << 17]);
  private long records;

  private RedoChains(@Nullable PageKind only) {
    this.only = only;
  }

  /// Collects the chains of the WAL's pages.
  ///
  /// @param only the kind of pages that are wanted, or null for all
  static RedoChains of(SourceWal source, @Nullable PageKind only) throws IOException {
    var chains = new RedoChains(only);
    WalDecoder decoder = null;
    try (var arena = Arena.ofConfined()) {
      for (Path path : source.segments()) {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
          MemorySegment segment = file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), arena);
          decoder = decoder == null ? WalDecoder.ofSegment(segment, 0) : decoder;
          decoder.feed(segment, 0, segment.byteSize(), chains);
        }
        if (decoder.ended()) {
          break;
        }
      }
    }
    return chains;
  }

  @Override
  public void record(WalRecord record) {
    records++;
    for (int i = 0; i < record.blockCount(); i++) {
      if (record.fork(i) == 0 && record.relation(i) >= FIRST_USER_RELATION) {
        add(record, i);
      }
    }
  }

  private void add(WalRecord record, int i) {
    Key key = DirectoryKeys.block(record, i);
    boolean first = ChangeWriter.initializes(record, i);
    Growing page = first ? new Growing() : pages.get(key);
    if (page == null || page.changes.size() == LONGEST) {
      return;
    }
    MemorySegment change = buffer.asSlice(0, ChangeWriter.write(record, i, buffer, 0));
    if (first) {
      redo.apply(key, record.endLsn(), MemorySegment.ofArray(page.base), change);
      pages.put(key, page);
    } else {
      page.lsns.add(record.endLsn());
      page.changes.add(change.toArray(JAVA_BYTE));
    }
  }

  /// How many records the WAL has.
  long records() {
    return records;
  }

  /// Writes the pages with chains of that length, `most` of them at most, evenly chosen.
  ///
  /// @throws IOException also when there are none
  void write(Path path, int length, int most) throws IOException {
    List<Map.Entry<Key, Growing>> found =
        pages.entrySet().stream()
            .filter(page -> isWanted(page.getKey(), page.getValue(), length))
            .sorted(Map.Entry.comparingByKey())
            .toList();
    if (found.isEmpty()) {
      throw new IOException("no page has " + length + " changes");
    }
    int count = Math.min(most, found.size());
    try (var out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(path)))) {
      out.writeInt(count);
      for (int i = 0; i < count; i++) {
        Map.Entry<Key, Growing> page = found.get((int) ((long) i * found.size() / count));
        out.writeLong(page.getKey().upper());
        out.writeLong(page.getKey().middle());
        out.writeLong(page.getKey().lower());
        page.getValue().write(out, length);
      }
    }
  }

  private boolean isWanted(Key key, Growing page, int length) {
    MemorySegment base = MemorySegment.ofArray(page.base);
    return page.changes.size() >= length
        && (only == null || only == PageKind.of(base, key.block()));
  }

  /// Reads what {@link #write} wrote, into memory as layers have it: off the heap, the changes of a
  /// page one after the other.
  static List<Chain> read(Path path, Arena arena) throws IOException {
    List<Chain> chains = new ArrayList<>();
    try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(path)))) {
      int count = in.readInt();
      for (int i = 0; i < count; i++) {
        Key key = Key.of(in.readLong(), in.readLong(), in.readLong());
        MemorySegment base = bytes(in.readNBytes(Page.SIZE), arena);
        int length = in.readInt();
        long[] lsns = new long[length];
        MemorySegment[] changes = new MemorySegment[length];
        MemorySegment all = arena.allocate(in.readInt());
        long at = 0;
        for (int j = 0; j < length; j++) {
          lsns[j] = in.readLong();
          byte[] change = in.readNBytes(in.readInt());
          changes[j] = all.asSlice(at, change.length).copyFrom(MemorySegment.ofArray(change));
          at += change.length;
        }
        chains.add(new Chain(key, base, lsns, changes));
      }
    }
    return chains;
  }

  private static MemorySegment bytes(byte[] bytes, Arena arena) {
    return arena.allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }
}
