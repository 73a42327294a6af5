package dev.varve.simulation;

import dev.varve.remote.ByteRange;
import dev.varve.remote.CheckedSink;
import dev.varve.remote.Content;
import dev.varve.remote.LocalFailure;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreException;
import dev.varve.timeline.RemoteName;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// An object store in memory that survives all processes, and does what it is told: what goes wrong
/// on the way is {@link Access}'s business. It notes when the name of a layer is used again, and
/// can list what there was some changes ago.
final class SimulatedBucket implements ObjectStore {

  private static final class Stored {
    final byte[] bytes;
    final ObjectState state;

    Stored(byte[] bytes, ObjectState state) {
      this.bytes = bytes;
      this.state = state;
    }
  }

  /// What there was under a name before a change; null: nothing.
  private record Change(ObjectName name, @Nullable Stored before) {}

  private final InstantSource clock;
  private final TreeMap<ObjectName, Stored> objects = new TreeMap<>();
  private final List<Change> changes = new ArrayList<>();

  /// The checksums of all layers there ever were.
  private final Map<ObjectName, Integer> layers = new HashMap<>();

  private final List<String> violations = new ArrayList<>();
  private long puts;

  SimulatedBucket(InstantSource clock) {
    this.clock = clock;
  }

  /// What must never be, and was.
  List<String> violations() {
    return violations;
  }

  @Override
  public ObjectState put(ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException {
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
    int crc = content.crc32c(0, content.size());
    if (RemoteName.parse(name).orElse(null) instanceof RemoteName.LayerFile) {
      Integer before = layers.put(name, crc);
      if (before != null && before != crc) {
        violations.add(name + " is put twice, with other content");
      }
    }
    String etag = "etag-" + puts++;
    var state = new ObjectState(name, bytes.length, etag, clock.instant(), OptionalInt.of(crc));
    change(name, new Stored(bytes, state));
    return state;
  }

  private void change(ObjectName name, @Nullable Stored now) {
    Stored before = now == null ? objects.remove(name) : objects.put(name, now);
    if (before != null || now != null) {
      changes.add(new Change(name, before));
    }
  }

  private Stored find(ObjectName name) throws StoreException {
    Stored stored = objects.get(name);
    if (stored == null) {
      throw new StoreException.NotFound("no object " + name + " in " + this);
    }
    return stored;
  }

  @Override
  public ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException {
    Stored stored = find(name);
    int size = stored.bytes.length;
    int from = (int) Math.min(range.offset(), size);
    int to = (int) (range.length() > size - from ? size : from + range.length());
    var checked = new CheckedSink(sink);
    try {
      if (to > from) {
        checked.write(ByteBuffer.wrap(stored.bytes, from, to - from));
      }
    } catch (LocalFailure e) {
      throw e.failure();
    }
    checked.check(toString(), range, stored.state);
    return stored.state;
  }

  @Override
  public ObjectState head(ObjectName name, Duration limit) throws IOException {
    return find(name).state;
  }

  @Override
  public ObjectPage list(String prefix, String after, int most, Duration limit) {
    return list(prefix, after, most, 0);
  }

  /// As it was so many changes ago.
  ObjectPage list(String prefix, String after, int most, int back) {
    var then = new TreeMap<>(objects);
    List<Change> undone = changes.subList(Math.max(0, changes.size() - back), changes.size());
    for (Change change : undone.reversed()) {
      Stored before = change.before;
      if (before == null) {
        then.remove(change.name);
      } else {
        then.put(change.name, before);
      }
    }
    List<ObjectState> all =
        then.values().stream()
            .map(stored -> stored.state)
            .filter(state -> state.name().value().startsWith(prefix))
            .filter(state -> state.name().value().compareTo(after) > 0)
            .map(SimulatedBucket::asListed)
            .toList();
    List<ObjectState> page = all.subList(0, Math.min(most, all.size()));
    boolean more = all.size() > page.size();
    return new ObjectPage(page, 0, more ? page.getLast().name().value() : null);
  }

  private static ObjectState asListed(ObjectState state) {
    return new ObjectState(
        state.name(), state.size(), state.etag(), state.modified(), OptionalInt.empty());
  }

  @Override
  public void delete(List<ObjectName> names, Duration limit) {
    names.forEach(name -> change(name, null));
  }

  /// A put is whole or is not.
  @Override
  public int removeAbandoned(Instant before, Duration limit) {
    return 0;
  }

  @Override
  public String toString() {
    return "simulated bucket";
  }

  @Override
  public void close() {}
}
