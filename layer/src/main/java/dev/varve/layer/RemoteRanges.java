package dev.varve.layer;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Reads ranges of layers in object storage, each once for all who want it at that time. Safe from
/// any thread.
final class RemoteRanges {

  /// The most that is read at once, unless one block is larger.
  static final int MOST_BYTES = 1 << 20;

  /// Whoever has waited this long for another's range reads it himself.
  private static final Duration JOIN_LIMIT = Duration.ofSeconds(30);

  private record RangeId(long file, long offset, int length) {}

  private final RemoteLayers remote;

  /// A range that is completed with null was given up, as whoever read it was interrupted.
  private final Map<RangeId, CompletableFuture<byte @Nullable []>> underWay =
      new ConcurrentHashMap<>();

  private final LongAdder reads = new LongAdder();
  private final LongAdder bytesRead = new LongAdder();

  RemoteRanges(RemoteLayers remote) {
    this.remote = remote;
  }

  /// @param file number of the layer file
  /// @return exactly `length` bytes; others may have them, too, and nobody changes them
  byte[] read(long file, RemoteLayer layer, long offset, int length) throws IOException {
    if (offset < 0 || length < 0 || offset > layer.bytes() - length) {
      throw corrupt(layer, offset, length + " bytes are not within its " + layer.bytes());
    }
    var id = new RangeId(file, offset, length);
    var mine = new CompletableFuture<byte @Nullable []>();
    byte[] found = null;
    while (found == null) {
      if (Thread.currentThread().isInterrupted()) {
        throw new ClosedByInterruptException();
      }
      CompletableFuture<byte @Nullable []> others = underWay.putIfAbsent(id, mine);
      if (others == null) {
        return readForAll(id, layer, mine);
      }
      found = join(others, id, layer);
    }
    return found;
  }

  private byte[] readForAll(
      RangeId id, RemoteLayer layer, CompletableFuture<byte @Nullable []> range)
      throws IOException {
    try {
      byte[] bytes = fetch(id, layer);
      range.complete(bytes);
      return bytes;
    } catch (UnreachableLayerException e) {
      range.completeExceptionally(e);
      throw e;
    } finally {
      range.complete(null); // unless it is complete
      underWay.remove(id, range);
    }
  }

  /// @return null when whoever read it gave up
  private byte @Nullable [] join(
      CompletableFuture<byte @Nullable []> range, RangeId id, RemoteLayer layer)
      throws IOException {
    try {
      if (!remote.await(range, JOIN_LIMIT)) {
        return fetch(id, layer);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ClosedByInterruptException();
    }
    if (range.state() == Future.State.SUCCESS) {
      return range.resultNow();
    }
    // Each has an exception of its own, with its own stack.
    if (range.exceptionNow() instanceof CorruptObjectException e) {
      throw corrupt(layer, e.offset(), e.finding());
    }
    throw unreachable(layer, new IOException(reason(range.exceptionNow()), range.exceptionNow()));
  }

  private static @Nullable String reason(Throwable failure) {
    Throwable cause = failure.getCause();
    return cause == null ? failure.getMessage() : cause.getMessage();
  }

  private byte[] fetch(RangeId id, RemoteLayer layer) throws IOException {
    byte[] bytes;
    try {
      bytes = remote.read(layer, id.offset, id.length);
    } catch (CorruptObjectException e) {
      throw e;
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        var interrupted = new ClosedByInterruptException();
        interrupted.initCause(e);
        throw interrupted;
      }
      throw unreachable(layer, e);
    }
    if (bytes.length != id.length) {
      throw unreachable(
          layer, new IOException(bytes.length + " bytes came of " + id.length + " asked for"));
    }
    reads.increment();
    bytesRead.add(bytes.length);
    return bytes;
  }

  private UnreachableLayerException unreachable(RemoteLayer layer, IOException cause) {
    return new UnreachableLayerException(layer, remote.nameOf(layer), cause);
  }

  /// Reads have fetched so much of a layer that all of it is worth having.
  void hot(RemoteLayer layer) {
    remote.hot(layer);
  }

  CorruptObjectException corrupt(RemoteLayer layer, long offset, @Nullable String finding) {
    return new CorruptObjectException(layer, remote.nameOf(layer), offset, String.valueOf(finding));
  }

  long reads() {
    return reads.sum();
  }

  long bytesRead() {
    return bytesRead.sum();
  }
}
