package dev.varve.postgres.wal;

/// A record is longer than what there is room for; the log is not at fault.
public final class RecordTooLargeException extends WalException {

  private final int length;

  RecordTooLargeException(long lsn, int length, int most) {
    super(lsn, "a record of " + length + " bytes, where there is room for " + most);
    this.length = length;
  }

  /// Bytes of the record.
  public int length() {
    return length;
  }
}
