package dev.varve.verify;

import dev.varve.model.Key;
import java.lang.foreign.MemorySegment;

/// Is told each page as redo left it, in the order of the log: pages of relations, of their maps,
/// and of SLRUs.
///
/// What the base begins with is not told, nor are pages that a relation loses or gains because its
/// size alone is logged, nor those that redo could not make. Where one record changes a page twice
/// (a visibility map's bits are cleared, and set), both are told, with the same LSN: the later one
/// is the page at that LSN. A page that turns out not to be the log's is told as redo made it; what
/// comes after it is built on the log's.
@FunctionalInterface
public interface PageObserver {

  PageObserver NONE = (_, _, _) -> {};

  /// @param key as {@link dev.varve.datadir.DirectoryKeys} makes them
  /// @param lsn the end of the record that made this version
  /// @param page 8 KiB, only to be read, and only during the call
  void page(Key key, long lsn, MemorySegment page);
}
