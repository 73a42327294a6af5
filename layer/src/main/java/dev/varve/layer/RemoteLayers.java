package dev.varve.layer;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/// Where the bytes of layers are read whose files are not on this disk. Safe from any thread.
public interface RemoteLayers {

  /// Reads a range of a layer's object. What is in it is checked by whoever asks.
  ///
  /// @param offset from the beginning of the object; the range lies within {@link
  ///   RemoteLayer#bytes()}
  /// @return exactly `length` bytes, which nobody changes any more
  /// @throws CorruptObjectException when the store has other bytes than were put there
  /// @throws IOException with a reason for people, when they can't be had; {@link
  ///   java.nio.channels.ClosedByInterruptException} when this thread is interrupted, which it is
  ///   then still
  byte[] read(RemoteLayer layer, long offset, int length) throws IOException;

  /// Waits for a range that another thread reads, in the way in which threads of this process wait.
  ///
  /// @return whether `range` was completed, in any way, before `limit` had passed
  boolean await(CompletableFuture<?> range, Duration limit) throws InterruptedException;

  /// The name of a layer's object, for people.
  String nameOf(RemoteLayer layer);

  /// Reads have fetched so much of a layer of late that it is worth having its file here. Called
  /// from the middle of a read, so it does not wait for anything.
  default void hot(RemoteLayer layer) {}

  /// No object storage: every read fails, saying so.
  static RemoteLayers none() {
    return new NoRemoteLayers();
  }
}
