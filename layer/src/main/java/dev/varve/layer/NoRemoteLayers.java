package dev.varve.layer;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/// What a process has that was given no object storage.
final class NoRemoteLayers implements RemoteLayers {

  @Override
  public byte[] read(RemoteLayer layer, long offset, int length) throws IOException {
    throw new IOException("no object storage is configured");
  }

  /// As no range is ever under way, it is of no use to wait.
  @Override
  public boolean await(CompletableFuture<?> range, Duration limit) {
    return range.isDone();
  }

  @Override
  public String nameOf(RemoteLayer layer) {
    return layer.name().fileName();
  }
}
