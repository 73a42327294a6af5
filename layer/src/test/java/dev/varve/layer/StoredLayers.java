package dev.varve.layer;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// Objects in a directory: counts what is read, takes its time, and fails when told to.
final class StoredLayers implements RemoteLayers {

  static final int GENERATION = 0xAB;

  final AtomicInteger calls = new AtomicInteger();
  final AtomicLong bytes = new AtomicLong();
  volatile long delayMillis;

  /// The number of the call that fails; calls count from 0.
  volatile int failing = -1;

  private final AtomicInteger joined = new AtomicInteger();
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private final Path directory;

  StoredLayers(Path directory) throws IOException {
    this.directory = Files.createDirectories(directory);
  }

  /// Copies a finished layer.
  RemoteLayer put(FinishedLayer layer) throws IOException {
    return put(layer, LayerFixture.OWNER);
  }

  RemoteLayer put(FinishedLayer layer, LayerOwner owner) throws IOException {
    var object = new RemoteLayer(owner, layer.name(), GENERATION, layer.size());
    Files.copy(layer.temporary(), path(object));
    return object;
  }

  Path path(RemoteLayer layer) {
    return directory.resolve(nameOf(layer));
  }

  void reset() {
    calls.set(0);
    bytes.set(0);
  }

  /// In the order in which they became so.
  final List<RemoteLayer> hot = new CopyOnWriteArrayList<>();

  @Override
  public void hot(RemoteLayer layer) {
    hot.add(layer);
  }

  @Override
  public byte[] read(RemoteLayer layer, long offset, int length) throws IOException {
    int call = calls.getAndIncrement();
    bytes.addAndGet(length);
    try {
      gate.await();
      Thread.sleep(delayMillis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ClosedByInterruptException();
    }
    if (call == failing) {
      throw new IOException("injected");
    }
    byte[] target = new byte[length];
    try (var file = new RandomAccessFile(path(layer).toFile(), "r")) {
      file.seek(offset);
      file.readFully(target);
    }
    return target;
  }

  /// Reads begin, and go on when they are {@linkplain #release released}.
  void hold() {
    gate = new CountDownLatch(1);
  }

  void release() {
    gate.countDown();
  }

  /// Returns when so many reads have begun.
  void awaitCalls(int count) throws InterruptedException {
    while (calls.get() < count) {
      Thread.sleep(1);
    }
  }

  /// Returns when so many wait for what others read.
  void awaitJoined(int count) throws InterruptedException {
    while (joined.get() < count) {
      Thread.sleep(1);
    }
  }

  @Override
  public boolean await(CompletableFuture<?> range, Duration limit) throws InterruptedException {
    joined.incrementAndGet();
    try {
      range.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (ExecutionException e) {
      return true;
    } catch (TimeoutException e) {
      return false;
    } finally {
      joined.decrementAndGet();
    }
  }

  @Override
  public String nameOf(RemoteLayer layer) {
    return "%s-%08x".formatted(layer.name(), layer.generation());
  }
}
