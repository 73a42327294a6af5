package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.layer.RemoteLayer;
import java.io.IOException;
import java.nio.channels.FileChannel;
import org.jspecify.annotations.Nullable;

/// A layer that is being fetched whole. Any thread may cancel it.
final class Download {

  private static final System.Logger LOG = System.getLogger(Download.class.getName());

  /// Why it is fetched.
  enum Why {
    /// Reads have taken much of it.
    HOT,
    /// Somebody has asked for it.
    ASKED,
    /// Its file is here, and damaged.
    DAMAGED
  }

  final RemoteLayer layer;
  final Why why;
  volatile boolean cancelled;
  private @Nullable FileChannel file;

  Download(RemoteLayer layer, Why why) {
    this.layer = layer;
    this.why = why;
  }

  /// What it is written into.
  synchronized void set(@Nullable FileChannel channel) {
    file = channel;
  }

  /// It ends when it comes to its next write.
  synchronized void cancel() {
    cancelled = true;
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        // Nobody needs what was written, and whoever cancels has other things to get done.
        LOG.log(WARNING, "the file of layer " + layer.name() + ", half of it, can't be closed", e);
      }
    }
  }

  void requireWanted() throws IOException {
    if (cancelled) {
      throw new IOException("the layer is not needed any more");
    }
  }
}
