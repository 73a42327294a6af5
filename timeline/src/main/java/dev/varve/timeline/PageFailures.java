package dev.varve.timeline;

import dev.varve.model.PageserverException;

/// Hears which pages of a batch can't be read.
@FunctionalInterface
public interface PageFailures {

  /// @param index of the key in the batch
  /// @param failure what {@link Timeline#page} throws for this key
  void failed(int index, PageserverException failure);
}
