package dev.varve.verify;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.datadir.ingest.VersionStore;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.VersionBytes;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.redo.Redo;
import dev.varve.timeline.HistorySink;
import dev.varve.timeline.ScanSink;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// What a log makes of a data directory, the newest state alone: pages in a {@link PageStore},
/// changed as soon as their changes come; other values in memory. Of one thread.
///
/// A page that redo can't make is *broken* until something makes it whole; changes of it are passed
/// over. When commits were is not kept.
final class ReplayStore implements VersionStore {

  /// More broken pages than this are not remembered: the run ends.
  private static final int MOST_BROKEN = 1 << 20;

  /// A change that redo could not apply.
  record Failure(Key key, long lsn, PageserverException reason) {}

  private final PgVersion version;
  private final Lsn start;
  private final PageStore pages;
  private final Redo redo;
  private final TreeMap<Key, byte[]> values = new TreeMap<>();
  private final Set<Key> broken = new TreeSet<>();
  private final List<Failure> failures = new ArrayList<>();
  private MemorySegment scratch = MemorySegment.ofArray(new byte[2 * Page.SIZE]);
  private PageObserver observer = PageObserver.NONE;

  ReplayStore(PgVersion version, Lsn start, PageStore pages) {
    this.version = version;
    this.start = start;
    this.pages = pages;
    this.redo = new Redo(version);
  }

  /// From now on each page that a version makes is shown.
  void observe(PageObserver observer) {
    this.observer = observer;
  }

  @Override
  public String name() {
    return "the replay";
  }

  @Override
  public PgVersion version() {
    return version;
  }

  @Override
  public Lsn start() {
    return start;
  }

  /// Whether what a key names is a page, and not another value.
  static boolean isPage(Key key) {
    return key.kind() == DirectoryKeys.SLRU_PAGE
        || (key.kind() == DirectoryKeys.PAGE && key.relation() != 0);
  }

  private static boolean isCommitTime(long upper) {
    int kind = (int) (upper >>> 32);
    return kind == DirectoryKeys.COMMIT_TIME || kind == DirectoryKeys.COMMIT_TIME_BEFORE;
  }

  @Override
  public void image(
      long upper, long middle, long lower, long lsn, MemorySegment bytes, long offset, int length) {
    if (isCommitTime(upper)) {
      return;
    }
    Key key = Key.of(upper, middle, lower);
    if (!isPage(key) && length == 0) {
      values.remove(key);
    } else if (!isPage(key)) {
      values.put(key, bytes.asSlice(offset, length).toArray(JAVA_BYTE));
    } else if (length == Page.SIZE) {
      MemorySegment page = pages.change(upper, middle, lower);
      MemorySegment.copy(bytes, offset, page, 0, length);
      broken.remove(key);
      observer.page(key, lsn, page);
    } else {
      setBroken(key);
    }
  }

  @Override
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      MemorySegment bytes,
      long offset,
      int length) {
    if (isCommitTime(upper)) {
      return;
    }
    Key key = Key.of(upper, middle, lower);
    if (!broken.isEmpty() && !initializes && broken.contains(key)) {
      return;
    }
    try {
      MemorySegment page = pages.change(upper, middle, lower);
      redo.apply(key, lsn, page, bytes.asSlice(offset, length));
      if (initializes && !broken.isEmpty()) {
        broken.remove(key);
      }
      observer.page(key, lsn, page);
    } catch (PageserverException.Unsupported | PageserverException.DataCorrupted e) {
      setBroken(key);
      failures.add(new Failure(key, lsn, e));
    }
  }

  @Override
  public void change(
      long upper,
      long middle,
      long lower,
      long lsn,
      boolean initializes,
      int most,
      VersionBytes bytes) {
    if (scratch.byteSize() < most) {
      scratch = MemorySegment.ofArray(new byte[2 * Integer.highestOneBit(most)]);
    }
    int length = bytes.write(scratch, 0);
    if (length > most) {
      throw new IllegalStateException(
          "a change of " + length + " bytes, of which " + most + " were announced");
    }
    change(upper, middle, lower, lsn, initializes, scratch, 0, length);
  }

  private void setBroken(Key key) {
    broken.add(key);
    if (broken.size() > MOST_BROKEN) {
      throw new PageserverException.DataCorrupted(
          "more than " + MOST_BROKEN + " pages can't be made; the last of them is " + key);
    }
  }

  /// What failed since it was cleared last.
  List<Failure> failures() {
    return failures;
  }

  boolean isBroken(Key key) {
    return broken.contains(key);
  }

  /// How many pages of relations that are there can't be read as the log is now.
  long brokenPages() {
    return broken.stream().filter(this::covers).count();
  }

  /// Whether a page of a relation is one as the log is now: what it held when the relation was
  /// longer, or another one, is still there.
  boolean covers(Key key) {
    byte[] blocks = values.get(DirectoryKeys.relationSize(DirectoryKeys.relationOf(key)));
    return blocks != null && Integer.toUnsignedLong(key.block()) < DirectoryValues.size(blocks);
  }

  /// The page, to be read until the next call; null when there is none, or it is broken.
  @Nullable MemorySegment page(Key key) {
    return broken.contains(key) ? null : pages.find(key);
  }

  /// Puts a page in the place of what redo made, or could not make.
  void replace(Key key, MemorySegment page) {
    MemorySegment.copy(page, 0, pages.change(key.upper(), key.middle(), key.lower()), 0, Page.SIZE);
    broken.remove(key);
  }

  @Override
  public void images(long lsn, Consumer<ImageTaker> source) {
    source.accept((upper, middle, lower, bytes, offset, length) ->
        image(upper, middle, lower, lsn, bytes, offset, length));
  }

  @Override
  public void advance(long lsn) {
    // Everything is visible as soon as it is there.
  }

  @Override
  public byte @Nullable [] value(Key key) {
    return values.get(key);
  }

  @Override
  public void page(Key key, MemorySegment target) {
    MemorySegment page = page(key);
    if (page == null) {
      throw new PageserverException.DataCorrupted("page " + key + " can't be made");
    }
    MemorySegment.copy(page, 0, target, 0, Page.SIZE);
  }

  @Override
  public void scan(KeyRange keys, ScanSink sink) {
    for (Map.Entry<Key, byte[]> entry :
        values.subMap(keys.start(), true, keys.end(), false).entrySet()) {
      sink.value(entry.getKey(), MemorySegment.ofArray(entry.getValue()));
    }
  }

  /// Only commit times have a history, and they are not kept.
  @Override
  public void history(Key key, HistorySink sink) {}

  @Override
  public void close() {
    try {
      pages.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
