package dev.varve.walreceiver;

import dev.varve.model.PageserverException;
import java.lang.foreign.MemorySegment;

/// Where received WAL goes: one for each connection, because a new one begins where what was taken
/// in ends, with no part of a record left over.
///
/// Of the receiver's thread, except for {@link #flushed()} and {@link #applied()}.
public interface WalSink extends AutoCloseable {

  /// Opens sinks.
  interface Source {
    WalSink open();
  }

  /// The LSN of the byte to begin with: where the first record begins that was not taken in.
  long start();

  /// Takes bytes that continue exactly where the last ended.
  ///
  /// @param bytes valid during the call
  /// @throws RuntimeException when they can't be taken in; the receiver begins again with a new
  ///   sink
  void feed(long lsn, MemorySegment bytes, long offset, int length);

  /// The end of the last record that was taken in.
  long applied();

  /// The PostgreSQL timeline that the last record is of: where the sink left off, its source's past
  /// must have been on it.
  int tli();

  /// Up to where all that was taken in is durable, so that the source may forget it.
  ///
  /// @throws PageserverException when the sink may take nothing more in: the connection ends then,
  ///   and leaves the slot to whoever may
  long flushed();

  @Override
  void close();
}
