package dev.varve.postgres.wal;

/// Takes the records of a log, in their order.
@FunctionalInterface
public interface RecordHandler {

  /// @param record borrowed: it, and the bytes under it, are good only until this method returns
  void record(WalRecord record);
}
