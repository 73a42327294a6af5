package dev.varve.timeline;

import dev.varve.model.PageVersion;

/// Takes the versions of one key, oldest first.
@FunctionalInterface
public interface HistorySink {

  /// @param version its bytes are valid during the call only
  void version(long lsn, PageVersion version);
}
