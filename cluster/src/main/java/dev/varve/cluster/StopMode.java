package dev.varve.cluster;

/// How PostgreSQL ends, as in `pg_ctl stop --mode`.
public enum StopMode {
  /// Waits for every client to leave, then writes a shutdown checkpoint.
  SMART("TERM"),
  /// Ends every client's transaction, then writes a shutdown checkpoint.
  FAST("INT"),
  /// At once; the next start recovers from the WAL.
  IMMEDIATE("QUIT");

  private final String signal;

  StopMode(String signal) {
    this.signal = signal;
  }

  String signal() {
    return signal;
  }
}
