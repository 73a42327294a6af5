package dev.varve.timeline;

import dev.varve.layer.CorruptObjectException;
import dev.varve.layer.LayerOwner;
import dev.varve.layer.RemoteLayer;
import dev.varve.layer.RemoteLayers;
import dev.varve.remote.ByteRange;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectState;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Generation;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Layers in the object store, for reads of those whose files are not here.
final class StoredLayers implements RemoteLayers {

  /// Whoever waits for a page has given up by then. A store that throttles, or is away for a
  /// moment, is no reason to fail.
  private static final RemoteCall READ = RemoteCall.within(Duration.ofSeconds(30), Urgency.READ);

  private final RemoteStorage storage;
  private final TaskManager tasks;
  private volatile @Nullable Downloads downloads;

  StoredLayers(RemoteStorage storage, TaskManager tasks) {
    this.storage = storage;
    this.tasks = tasks;
  }

  /// Fetches whole layers from now on.
  void setDownloads(Downloads newDownloads) {
    downloads = newDownloads;
  }

  static ObjectName object(RemoteLayer layer) {
    LayerOwner owner = layer.owner();
    Generation generation = new Generation(layer.generation());
    return new RemoteName.LayerFile(owner.tenant(), owner.timeline(), layer.name(), generation)
        .object();
  }

  @Override
  public byte[] read(RemoteLayer layer, long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    ObjectName object = object(layer);
    ObjectState state;
    try {
      state =
          storage.get(object, new ByteRange(offset, length), Sink.to(ByteBuffer.wrap(bytes)), READ);
    } catch (StoreException.Damaged e) {
      var corrupt = new CorruptObjectException(layer, nameOf(layer), offset, e.getMessage());
      corrupt.initCause(e);
      throw corrupt;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new ClosedByInterruptException();
    }
    if (state.size() != layer.bytes()) {
      throw new IOException(
          "%s has %d bytes instead of %d".formatted(object, state.size(), layer.bytes()));
    }
    return bytes;
  }

  @Override
  public boolean await(CompletableFuture<?> range, Duration limit) throws InterruptedException {
    return tasks.await(range, limit);
  }

  @Override
  public void hot(RemoteLayer layer) {
    Downloads now = downloads;
    if (now != null) {
      now.want(layer, Download.Why.HOT);
    }
  }

  @Override
  public String nameOf(RemoteLayer layer) {
    return object(layer) + " in " + storage;
  }
}
