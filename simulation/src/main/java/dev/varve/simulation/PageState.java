package dev.varve.simulation;

import org.jspecify.annotations.Nullable;

/// What a key is after a version of it.
sealed interface PageState {

  /// A page, as {@link HashRedo} makes it.
  ///
  /// @param image the value of its image; 0: it began with a change
  /// @param filled how much that image has
  record Page(long hash, long count, long last, long image, int filled) implements PageState {}

  /// There is no such page: its newest version is a tombstone.
  record Absent() implements PageState {}

  /// There are changes, and nothing that they begin with.
  record Unmakeable() implements PageState {}

  /// A value; empty: a tombstone.
  record Value(String text) implements PageState {}

  /// @param before what the key was; null: it had no versions
  static PageState after(@Nullable PageState before, long lsn, Version version) {
    return switch (version.kind()) {
      case IMAGE -> new Page(version.value(), 0, lsn, version.value(), version.size());
      case CHANGE ->
          before instanceof Page(long hash, long count, _, long image, int filled)
              ? new Page(HashRedo.next(hash, lsn, version.value()), count + 1, lsn, image, filled)
              : new Unmakeable();
      case INITIALIZING_CHANGE -> new Page(HashRedo.next(0, lsn, version.value()), 1, lsn, 0, 0);
      case TOMBSTONE -> new Absent();
      case VALUE -> new Value(version.text());
    };
  }
}
