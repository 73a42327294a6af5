package dev.varve.timeline;

import static java.lang.System.Logger.Level.DEBUG;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Makes images of pages for merges, by reading them as anybody would. For one thread.
final class Materializer {

  private static final System.Logger LOG = System.getLogger(Materializer.class.getName());

  /// An image replaces a chain of so many changes at least,
  private static final int LEAST_CHANGES = 16;

  /// if they take as much as the page,
  private static final long LEAST_BYTES = PageBuilder.PAGE_BYTES;

  /// or of so many, whatever they take: each has to be found and applied.
  private static final int MANY_CHANGES = 128;

  private final PageReader reader;
  private final KeyRules keys;
  private final PageBuilder builder;
  private final PageRedo redo;
  private final ChainMemory memory;
  private final MemorySegment page = Arena.ofAuto().allocate(PageBuilder.PAGE_BYTES);

  /// @param memory for long chains of changes
  Materializer(PageReader reader, PageRedo redo, KeyRules keys, ChainMemory memory) {
    builder = new PageBuilder(memory);
    this.memory = memory;
    this.reader = reader;
    this.keys = keys;
    this.redo = redo;
  }

  /// A chain that takes more bytes becomes an image where it stands: who reads what comes next, and
  /// the merge itself, does not have to hold all of it in memory.
  static final long LONG_CHAIN = 1 << 20;

  /// Whether a chain of changes is so costly to read that an image is worth its place: it takes no
  /// more than the changes do, or saves much work.
  ///
  /// @param bytes what the changes take together
  static boolean isWorthwhile(int changes, long bytes) {
    return changes >= MANY_CHANGES || (changes >= LEAST_CHANGES && bytes >= LEAST_BYTES);
  }

  /// Makes the page as of an LSN, which is in {@link #page} then.
  ///
  /// @return false when it can't be made, because the key is not of a page, because what is stored
  ///   is not right or not known, or because it does not fit into memory: then the versions stay as
  ///   they are, for reads to say what is wrong with them
  /// @throws PageserverException.Unavailable when that is not the data's fault
  boolean make(long upper, long middle, long lower, long lsn) {
    Key key = Key.of(upper, middle, lower);
    if (!keys.isPage(key)) {
      return false;
    }
    try {
      reader.page(key, new Lsn(lsn), page, builder, redo);
      return true;
    } catch (PageserverException.DataCorrupted
        | PageserverException.Unsupported
        | PageserverException.NotFound e) {
      LOG.log(DEBUG, "a merge keeps the changes of a page as they are", e);
      return false;
    } catch (PageserverException.Unavailable e) {
      if (!builder.isTooLong()) {
        throw e;
      }
      LOG.log(DEBUG, "a merge keeps the changes of a page as they are", e);
      return false;
    } finally {
      builder.clear();
    }
  }

  /// For the chains of changes that a merge holds.
  ChainMemory memory() {
    return memory;
  }

  MemorySegment page() {
    return page;
  }
}
