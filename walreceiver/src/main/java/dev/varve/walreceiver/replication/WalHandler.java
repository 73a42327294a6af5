package dev.varve.walreceiver.replication;

import java.io.IOException;
import java.lang.foreign.MemorySegment;

/// Takes a stream of WAL; called by the thread that runs the stream.
public interface WalHandler {

  /// WAL bytes, each exactly where the last ended.
  ///
  /// @param lsn of the first byte
  /// @param bytes valid during the call
  void wal(long lsn, MemorySegment bytes, long offset, int length) throws IOException;

  /// After each message.
  ///
  /// @param serverEnd up to where the server has WAL
  /// @param replyRequested whether the server wants a status now, or it hangs up soon
  void heard(long serverEnd, boolean replyRequested) throws IOException;
}
