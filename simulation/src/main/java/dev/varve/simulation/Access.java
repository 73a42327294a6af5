package dev.varve.simulation;

import dev.varve.model.TenantId;
import dev.varve.remote.ByteRange;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import dev.varve.task.TaskThreads;
import dev.varve.testkit.disk.SimulatedDisk;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/// The object store and the authority as one process reaches them: requests take their time, in
/// which others do something, and fail, before or after they took effect, or get no answer in time;
/// and lists may be old. All else is as it is. A process that is dead reaches nothing.
final class Access {

  private static final int STALEST = 12;

  private final Cloud cloud;
  private final Line line;
  private final SimulatedDisk disk;
  private final TaskThreads threads;
  private final SplittableRandom random;

  Access(Cloud cloud, Line line, SimulatedDisk disk, TaskThreads threads, SplittableRandom random) {
    this.cloud = cloud;
    this.line = line;
    this.disk = disk;
    this.threads = threads;
    this.random = random;
  }

  private interface Act<T> {
    T act() throws IOException, InterruptedException;
  }

  private <T> T request(String request, boolean away, Duration limit, Act<T> act)
      throws StoreException, IOException, InterruptedException {
    requireAlive();
    takeTime();
    line.letOthers();
    requireAlive();
    if (away || line.isAway(request)) {
      throw new StoreException.Unavailable(Line.failure("away", request));
    }
    int fault = random.nextDouble() < line.failing(request) ? random.nextInt(8) : -1;
    switch (fault) {
      case 0, 1 -> throw new StoreException.Unavailable(Line.failure("not done", request));
      case 2 -> throw new StoreException.Throttled(Line.failure("too many requests", request));
      case 3 -> waitInVain(limit, request);
      default -> {}
    }
    Thread.interrupted(); // of one whose step waits for this one to end
    T result = act.act();
    switch (fault) {
      case 4, 5, 6 -> throw new StoreException.Unavailable(Line.failure("done", request));
      case 7 -> waitInVain(limit, request);
      default -> {}
    }
    requireAlive();
    return result;
  }

  private void requireAlive() throws StoreException {
    if (disk.isDead()) {
      throw new StoreException.Unavailable("this process is dead");
    }
  }

  private void takeTime() throws InterruptedException {
    switch (random.nextInt(16)) {
      case 0, 1, 2, 3 -> threads.pause();
      case 4 ->
          threads.await(new CompletableFuture<>(), Duration.ofMillis(1 + random.nextInt(2_000)));
      default -> {}
    }
  }

  private void waitInVain(Duration limit, String request)
      throws StoreException, InterruptedException {
    threads.await(new CompletableFuture<>(), limit);
    throw new StoreException.Unavailable(Line.failure("no answer in " + limit, request));
  }

  ObjectStore store() {
    return new Store();
  }

  Generations authority() {
    return new Authority();
  }

  private final class Store implements ObjectStore {

    private <T> T call(String request, Duration limit, Act<T> act)
        throws IOException, InterruptedException {
      return request(request, line.isStoreAway(), limit, act);
    }

    @Override
    public ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
        throws IOException, InterruptedException {
      return call("put " + name, limit, () -> cloud.bucket().put(name, content, condition, limit));
    }

    @Override
    public ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
        throws IOException, InterruptedException {
      return call("get " + name, limit, () -> cloud.bucket().get(name, range, sink, limit));
    }

    @Override
    public ObjectState head(ObjectName name, Duration limit)
        throws IOException, InterruptedException {
      return call("head " + name, limit, () -> cloud.bucket().head(name, limit));
    }

    @Override
    public ObjectPage list(String prefix, String after, int most, Duration limit)
        throws IOException, InterruptedException {
      boolean stale = !line.isCalm() && cloud.isStale() && random.nextBoolean();
      int back = stale ? random.nextInt(STALEST) : 0;
      return call("list " + prefix, limit, () -> cloud.bucket().list(prefix, after, most, back));
    }

    @Override
    public void delete(List<ObjectName> names, Duration limit)
        throws IOException, InterruptedException {
      call(
          "delete " + names,
          limit,
          () -> {
            cloud.bucket().delete(names, limit);
            return names;
          });
    }

    @Override
    public int removeAbandoned(Instant before, Duration limit)
        throws IOException, InterruptedException {
      return call("remove abandoned", limit, () -> 0);
    }

    @Override
    public String toString() {
      return cloud.bucket().toString();
    }

    @Override
    public void close() {}
  }

  private final class Authority implements Generations {

    private static final Duration LIMIT = Duration.ofSeconds(10);

    private final Generations authority = cloud.authority().of(line.name());

    private <T> T call(String request, Act<T> act) throws StoreException, InterruptedException {
      try {
        return request(request, line.isAuthorityAway(), LIMIT, act);
      } catch (StoreException e) {
        throw e;
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public Generation attach(TenantId tenant, Generation above)
        throws StoreException, InterruptedException {
      return call("attach " + tenant, () -> authority.attach(tenant, above));
    }

    @Override
    public Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
        throws StoreException, InterruptedException {
      return call("attach " + tenant, () -> authority.attachIfNewest(tenant, expected, above));
    }

    @Override
    public Map<TenantId, Generation> newest(Collection<TenantId> tenants)
        throws StoreException, InterruptedException {
      return call("newest " + tenants, () -> authority.newest(tenants));
    }

    @Override
    public void close() {}
  }
}
