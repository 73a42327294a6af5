package dev.varve.postgres.wal;

import dev.varve.model.Lsn;

/// The log is damaged, torn, or not the log that was expected. The message is one sentence that
/// begins with the place.
public sealed class WalException extends RuntimeException permits RecordTooLargeException {

  private final long lsn;

  /// @param lsn where the damaged record begins, or the page when a page header is at fault
  /// @param finding what is wrong there; continues a sentence
  public WalException(long lsn, String finding) {
    super("WAL at " + Lsn.format(lsn) + ": " + finding);
    this.lsn = lsn;
  }

  /// Where the damaged record begins, or the page when a page header is at fault.
  public long lsn() {
    return lsn;
  }
}
