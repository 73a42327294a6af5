package dev.varve.server.remote;

import dev.varve.etcd.EtcdAddress;
import dev.varve.etcd.EtcdGenerations;
import dev.varve.etcd.EtcdSettings;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreAddress;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.remote.generation.FileGenerations;
import dev.varve.remote.generation.Generations;
import dev.varve.remote.generation.ToldGenerations;
import dev.varve.remote.s3.S3Settings;
import dev.varve.remote.s3.S3Store;
import dev.varve.task.TaskThreads;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.SplittableRandom;

/// An object store and an authority over generations, opened. None of them needs to answer for
/// that: a server starts without.
///
/// @param storage closed with this
/// @param generations closed with this
public record RemoteParts(RemoteStorage storage, Generations generations) implements AutoCloseable {

  private static final String GENERATIONS = "generations";

  /// @param data the server's data directory
  /// @throws IOException when what is on this machine can't be used, or the address says too little
  public static RemoteParts open(RemoteConfig config, Path data, TaskThreads threads)
      throws IOException {
    RemoteStorage storage = storage(config.store(), threads);
    try {
      return new RemoteParts(
          storage, new ToldGenerations(generations(config, data, threads), threads.clock()));
    } catch (IOException | RuntimeException e) {
      storage.close();
      throw e;
    }
  }

  /// The store alone.
  ///
  /// @throws IOException as {@link #open}
  public static RemoteStorage storage(StoreAddress address, TaskThreads threads)
      throws IOException {
    return new RemoteStorage(
        store(address, threads.clock()), threads, new SplittableRandom(), RemoteLimits.DEFAULT);
  }

  private static ObjectStore store(StoreAddress address, InstantSource clock) throws IOException {
    return switch (address) {
      case StoreAddress.Directory directory -> DirectoryStore.open(directory.path(), clock);
      case StoreAddress.S3 s3 -> S3Store.open(s3, S3Settings.DEFAULT, clock);
    };
  }

  private static Generations generations(RemoteConfig config, Path data, TaskThreads threads)
      throws IOException {
    EtcdAddress authority = config.authority();
    if (authority == null) {
      return FileGenerations.open(data.resolve(GENERATIONS));
    }
    EtcdSettings settings = EtcdSettings.of(config.node());
    return new LateGenerations(() -> EtcdGenerations.open(authority, settings, threads));
  }

  @Override
  public void close() {
    try (storage;
        generations) {
      // Nothing to do but close.
    }
  }
}
