package dev.varve.timeline;

import dev.varve.layer.RemoteLayer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/// A layer that is being fetched whole. Any thread may cancel it.
final class Download {

  final RemoteLayer layer;

  /// Whether its file is here, and damaged.
  final boolean isReplacement;

  volatile boolean cancelled;
  private @Nullable FileChannel file;

  Download(RemoteLayer layer, boolean isReplacement) {
    this.layer = layer;
    this.isReplacement = isReplacement;
  }

  /// What it is written into.
  synchronized void set(@Nullable FileChannel channel) {
    file = channel;
  }

  /// It ends when it comes to its next write.
  synchronized void cancel() throws IOException {
    cancelled = true;
    if (file != null) {
      file.close();
    }
  }

  void requireWanted() throws IOException {
    if (cancelled) {
      throw new IOException("the layer is not needed any more");
    }
  }
}
