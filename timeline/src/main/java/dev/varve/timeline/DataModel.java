package dev.varve.timeline;

import java.util.function.IntFunction;

/// What is stored, as far as storage has to know it.
///
/// @param redo what brings a page forward, for each major version of PostgreSQL
/// @param commits what was committed when
/// @param keys what keys mean
public record DataModel(IntFunction<PageRedo> redo, CommitClock commits, KeyRules keys) {

  /// Pages, of which nothing else is known.
  public static DataModel of(IntFunction<PageRedo> redo) {
    return new DataModel(redo, CommitClock.NONE, KeyRules.PAGES);
  }
}
