package dev.varve.bench;

import dev.varve.remote.ByteRange;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/// Another store, further away: each request takes a while longer. Counts what is read.
final class DistantStore implements ObjectStore {

  private final ObjectStore store;
  private final Duration distance;
  final LongAdder requests = new LongAdder();
  final LongAdder bytes = new LongAdder();

  /// @param distance the time that a request takes more
  DistantStore(ObjectStore store, Duration distance) {
    this.store = store;
    this.distance = distance;
  }

  private void travel() throws InterruptedException {
    requests.increment();
    Thread.sleep(distance);
  }

  @Override
  public ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException, InterruptedException {
    travel();
    return store.put(name, content, condition, limit);
  }

  @Override
  public ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException, InterruptedException {
    travel();
    return store.get(
        name,
        range,
        (position, part) -> {
          bytes.add(part.remaining());
          sink.write(position, part);
        },
        limit);
  }

  @Override
  public ObjectState head(ObjectName name, Duration limit)
      throws IOException, InterruptedException {
    travel();
    return store.head(name, limit);
  }

  @Override
  public ObjectPage list(String prefix, String after, int most, Duration limit)
      throws IOException, InterruptedException {
    travel();
    return store.list(prefix, after, most, limit);
  }

  @Override
  public void delete(List<ObjectName> names, Duration limit)
      throws IOException, InterruptedException {
    travel();
    store.delete(names, limit);
  }

  @Override
  public int removeAbandoned(Instant before, Duration limit)
      throws IOException, InterruptedException {
    travel();
    return store.removeAbandoned(before, limit);
  }

  @Override
  public String toString() {
    return store + ", far away";
  }

  @Override
  public void close() {
    store.close();
  }
}
