package dev.varve.remote;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A store in memory whose calls can be made to fail, before or after they took effect. Of one
/// thread, in simulated time.
final class MemoryStore implements ObjectStore {

  /// What a call meets, one after the other.
  interface Fault {
    /// @return null to let it pass
    @Nullable IOException before();

    @Nullable IOException after();
  }

  static final class Stored {
    final byte[] content;
    private final ObjectState state;

    Stored(byte[] content, ObjectState state) {
      this.content = content;
      this.state = state;
    }

    ObjectState state() {
      return state;
    }
  }

  final TreeMap<ObjectName, Stored> objects = new TreeMap<>();
  final List<String> calls = new ArrayList<>();
  final List<Duration> limits = new ArrayList<>();
  private final InstantSource clock;
  private final ArrayList<Fault> faults = new ArrayList<>();
  private Runnable during = () -> {};
  private long puts;

  MemoryStore(InstantSource clock) {
    this.clock = clock;
  }

  void failBefore(IOException failure) {
    faults.add(fault(failure, null));
  }

  void failAfter(IOException failure) {
    faults.add(fault(null, failure));
  }

  private static Fault fault(@Nullable IOException before, @Nullable IOException after) {
    return new Fault() {
      @Override
      public @Nullable IOException before() {
        return before;
      }

      @Override
      public @Nullable IOException after() {
        return after;
      }
    };
  }

  /// Done while each call is under way.
  void during(Runnable step) {
    during = step;
  }

  Stored stored(ObjectName name) {
    return Objects.requireNonNull(objects.get(name));
  }

  private interface Act<T> {
    T act() throws IOException;
  }

  private <T> T call(String call, Duration limit, Act<T> act) throws IOException {
    calls.add(call);
    limits.add(limit);
    during.run();
    Fault fault = faults.isEmpty() ? fault(null, null) : faults.removeFirst();
    IOException before = fault.before();
    if (before != null) {
      throw before;
    }
    T result = act.act();
    IOException after = fault.after();
    if (after != null) {
      throw after;
    }
    return result;
  }

  @Override
  public ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException {
    return call(
        "put " + name,
        limit,
        () -> {
          Stored present = objects.get(name);
          boolean holds =
              switch (condition) {
                case PutCondition.Always _ -> true;
                case PutCondition.IfAbsent _ -> present == null;
                case PutCondition.IfMatches(String etag) ->
                    present != null && present.state.etag().equals(etag);
              };
          if (!holds) {
            throw new StoreException.PreconditionFailed(name + " was not replaced");
          }
          byte[] bytes;
          try (var in = content.open(0, content.size())) {
            bytes = in.readAllBytes();
          }
          var state =
              new ObjectState(
                  name,
                  bytes.length,
                  "etag-" + puts++,
                  clock.instant(),
                  OptionalInt.of(content.crc32c(0, content.size())));
          objects.put(name, new Stored(bytes, state));
          return state;
        });
  }

  private Stored find(ObjectName name) throws StoreException {
    Stored stored = objects.get(name);
    if (stored == null) {
      throw new StoreException.NotFound("no object " + name);
    }
    return stored;
  }

  @Override
  public ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException {
    return call(
        "get " + name + " " + range,
        limit,
        () -> {
          Stored stored = find(name);
          long end = range.isWhole() ? stored.content.length : range.offset() + range.length();
          var checked = new CheckedSink(sink);
          try {
            int from = (int) Math.min(range.offset(), stored.content.length);
            int to = (int) Math.min(end, stored.content.length);
            if (to > from) {
              checked.write(ByteBuffer.wrap(stored.content, from, to - from));
            }
          } catch (LocalFailure e) {
            throw e.failure();
          }
          checked.check("memory", range, stored.state);
          return stored.state;
        });
  }

  @Override
  public ObjectState head(ObjectName name, Duration limit) throws IOException {
    return call("head " + name, limit, () -> find(name).state);
  }

  @Override
  public ObjectPage list(String prefix, String after, int most, Duration limit) throws IOException {
    return call(
        "list " + prefix,
        limit,
        () -> {
          List<ObjectState> all =
              objects.values().stream()
                  .map(Stored::state)
                  .filter(state -> state.name().value().startsWith(prefix))
                  .filter(state -> state.name().value().compareTo(after) > 0)
                  .toList();
          List<ObjectState> page = all.subList(0, Math.min(most, all.size()));
          boolean more = all.size() > page.size();
          return new ObjectPage(page, 0, more ? page.getLast().name().value() : null);
        });
  }

  @Override
  public void delete(List<ObjectName> names, Duration limit) throws IOException {
    call(
        "delete " + names.size(),
        limit,
        () -> {
          names.forEach(objects::remove);
          return names;
        });
  }

  @Override
  public int removeAbandoned(Instant before, Duration limit) throws IOException {
    return call("remove abandoned", limit, () -> 0);
  }

  @Override
  public String toString() {
    return "memory";
  }

  @Override
  public void close() {
    calls.add("close");
  }
}
