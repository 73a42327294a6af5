package dev.varve.timeline;

import dev.varve.layer.LayerName;
import dev.varve.layer.RemoteLayer;
import dev.varve.layer.RemoteLayers;
import dev.varve.task.TaskManager;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/// Objects in a directory: counts what is read, takes its time, and fails when told to.
final class SlowStore implements RemoteLayers {

  static final int ALWAYS = -2;

  final AtomicInteger calls = new AtomicInteger();
  final AtomicInteger bytes = new AtomicInteger();
  final AtomicInteger mostAtOnce = new AtomicInteger();
  final Set<LayerName> read = ConcurrentHashMap.newKeySet();
  volatile long delayMillis;

  /// Whether other tasks are let run in the middle of a read.
  volatile boolean pausing;

  /// The number of the call that fails; calls count from 0.
  volatile int failing = -1;

  private final Path directory;
  private final TaskManager tasks;
  private final AtomicInteger atOnce = new AtomicInteger();

  /// How many calls began each after the one before had ended, in the longest such chain.
  private int longestChain;

  SlowStore(Path directory, TaskManager tasks) throws IOException {
    this.directory = Files.createDirectories(directory);
    this.tasks = tasks;
  }

  void put(RemoteLayer object, Path file) throws IOException {
    Files.copy(file, path(object));
  }

  void damage(LayerName name) throws IOException {
    Path file = directory.resolve(name + "-00000003");
    byte[] all = Files.readAllBytes(file);
    for (int i = 64; i < all.length - 4096; i += 500) {
      all[i] ^= 1;
    }
    Files.write(file, all);
  }

  void reset() {
    calls.set(0);
    bytes.set(0);
    mostAtOnce.set(0);
    synchronized (this) {
      longestChain = 0;
    }
  }

  /// How many round trips there were, each after another.
  synchronized int waves() {
    return longestChain;
  }

  private Path path(RemoteLayer layer) {
    return directory.resolve(nameOf(layer));
  }

  @Override
  public byte[] read(RemoteLayer layer, long offset, int length) throws IOException {
    int call = calls.getAndIncrement();
    bytes.addAndGet(length);
    read.add(layer.name());
    int others = atOnce.getAndIncrement();
    mostAtOnce.accumulateAndGet(others + 1, Math::max);
    int chain = waves() + 1;
    try {
      pass();
      if (call == failing || failing == ALWAYS) {
        throw new IOException("injected");
      }
      byte[] target = new byte[length];
      try (var file = new RandomAccessFile(path(layer).toFile(), "r")) {
        file.seek(offset);
        file.readFully(target);
      }
      return target;
    } finally {
      atOnce.decrementAndGet();
      ended(chain);
    }
  }

  private synchronized void ended(int chain) {
    longestChain = Math.max(longestChain, chain);
  }

  private void pass() throws IOException {
    if (pausing) {
      tasks.pause();
    }
    if (delayMillis > 0) {
      try {
        Thread.sleep(delayMillis);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new ClosedByInterruptException();
      }
    }
  }

  @Override
  public boolean await(CompletableFuture<?> range, Duration limit) throws InterruptedException {
    return tasks.await(range, limit);
  }

  @Override
  public String nameOf(RemoteLayer layer) {
    return "%s-%08x".formatted(layer.name(), layer.generation());
  }
}
