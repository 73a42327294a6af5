package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.FileGenerations;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import dev.varve.remote.generation.ToldGenerations;
import dev.varve.task.TaskThreads;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// An object store in a directory, and a file as the authority over generations: both are there
/// whatever happens to the servers that use them.
final class Bucket {

  private static final DiskSpace.Space ROOMY = new DiskSpace.Space(1L << 40, 1L << 40);

  final WatchedStore store;
  private final Path memory;
  private FileGenerations authority;
  private @Nullable String refusal;
  private @Nullable String thief;
  private long waitingBytes = 16 << 20;
  private boolean mayBeNew;
  private CacheSettings cache = new CacheSettings(Duration.ZERO, 100, 100, 0, _ -> ROOMY);

  Bucket(Path directory) throws IOException {
    this(DirectoryStore.open(directory.resolve("bucket"), InstantSource.system()), directory);
  }

  /// @param directory of the authority's file
  Bucket(ObjectStore store, Path directory) throws IOException {
    this.store = new WatchedStore(store);
    memory = directory.resolve("generations");
    authority = FileGenerations.open(memory);
  }

  /// Makes the authority forget all that it has given out.
  void forget() throws IOException {
    Files.delete(memory);
    authority = FileGenerations.open(memory);
  }

  /// Makes the authority refuse to answer; null: it answers.
  void silence(@Nullable String reason) {
    refusal = reason;
  }

  /// For servers that are opened from now on.
  void waitFor(long bytes) {
    waitingBytes = bytes;
  }

  /// For servers that are opened from now on; at first nothing is evicted or downloaded.
  void takeForNew() {
    mayBeNew = true;
  }

  void cache(CacheSettings settings) {
    cache = settings;
  }

  /// Gives the tenant to another node, whose name the authority knows.
  Generation stealFor(String node, TenantId tenant) throws IOException, InterruptedException {
    thief = node;
    return steal(tenant);
  }

  /// Gives the tenant to another node.
  Generation steal(TenantId tenant) throws IOException, InterruptedException {
    return authority.attach(tenant, Generation.NONE);
  }

  private final class Watched implements Generations {

    /// What was given through this.
    private final Map<TenantId, Generation> held = new ConcurrentHashMap<>();

    private void answer() throws StoreException {
      if (refusal != null) {
        throw new StoreException.Unavailable(refusal);
      }
    }

    @Override
    public Generation attach(TenantId tenant, Generation above)
        throws StoreException, InterruptedException {
      answer();
      Generation given = authority.attach(tenant, above);
      held.put(tenant, given);
      return given;
    }

    @Override
    public Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
        throws StoreException, InterruptedException {
      answer();
      Claim claim = authority.attachIfNewest(tenant, expected, above);
      if (claim instanceof Claim.Granted(Generation given)) {
        held.put(tenant, given);
      }
      return claim instanceof Claim.Outdated(Generation newest, _)
          ? new Claim.Outdated(newest, Optional.ofNullable(thief))
          : claim;
    }

    @Override
    public Map<TenantId, Generation> newest(Collection<TenantId> tenants) throws StoreException {
      answer();
      Map<TenantId, Generation> newest = authority.newest(tenants);
      if (tenants.stream().allMatch(t -> Objects.equals(newest.get(t), held.get(t)))) {
        store.validated();
      }
      return newest;
    }

    @Override
    public void close() {}
  }

  Remote remote(TaskThreads threads) {
    var storage = new RemoteStorage(store, threads, new SplittableRandom(1), RemoteLimits.DEFAULT);
    return new Remote(
        storage,
        new ToldGenerations(new Watched(), threads.clock()),
        waitingBytes,
        Duration.ofHours(3),
        cache,
        mayBeNew);
  }

  SimulatedServer open(SimulatedDisk disk) throws IOException {
    return open(disk, 3);
  }

  SimulatedServer open(SimulatedDisk disk, long seed) throws IOException {
    return new SimulatedServer(
        disk,
        new SplittableRandom(seed),
        Fixture.settings(8 << 20, 1 << 20),
        DataModel.of(_ -> new HashRedo()),
        SimulatedServer.NOW,
        this::remote);
  }

  /// Checks that nothing that must not be ever was.
  void requireSound() {
    assertThat(store.violations).isEmpty();
  }

  /// Checks that all that the server has is in the store, and that no deleted timeline is.
  void requireSame(Tenants tenants) throws IOException, InterruptedException {
    requireSound();
    Set<TimelineId> ids = new HashSet<>();
    for (Timeline timeline : tenants.timelines()) {
      ids.add(timeline.id());
      IndexPart local = timeline.index().current();
      assertThat(store.index(timeline.id())).as("index part of %s", timeline).contains(local);
      for (LayerEntry entry : local.layers()) {
        var name =
            new RemoteName.LayerFile(
                timeline.tenant(), timeline.id(), entry.name(), entry.generation());
        assertThat(store.isThere(name.object(), entry)).as("%s", name).isTrue();
      }
      UploadState state = timeline.uploadState().orElseThrow();
      assertThat(state.remoteConsistentLsn()).isEqualTo(timeline.diskConsistentLsn());
      assertThat(state.waitingSince()).isEmpty();
      assertThat(state.waitingLayers()).isZero();
    }
    assertThat(store.manifest().orElseThrow().timelines())
        .extracting(TimelineIdentity::id)
        .as("timelines in the manifest")
        .containsExactlyInAnyOrderElementsOf(ids);
  }
}
