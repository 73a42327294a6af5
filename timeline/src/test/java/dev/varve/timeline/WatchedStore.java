package dev.varve.timeline;

import dev.varve.model.TimelineId;
import dev.varve.remote.ByteRange;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.PutCondition;
import dev.varve.remote.Sink;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Generation;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A store that looks at what is done with it, each time: that an index part names only what is
/// there, that nothing is deleted that one names, and nothing unless it was asked for just before,
/// and that no name comes twice. It can also be made to fail. One operation at a time.
final class WatchedStore implements ObjectStore {

  static final Duration LIMIT = Duration.ofSeconds(30);

  /// What a scrub looks at the time with.
  private static final String CLOCK = "clock";

  /// What happens to an operation.
  interface Fault {
    /// @param acted whether it has been done
    void at(String operation, boolean acted) throws IOException, InterruptedException;
  }

  private interface Act<T> {
    T act() throws IOException, InterruptedException;
  }

  /// All operations and validations, in their order.
  final List<String> events = new ArrayList<>();

  /// What must never be.
  final List<String> violations = new ArrayList<>();

  private final ObjectStore store;
  private final Map<TimelineId, Integer> indexPuts = new HashMap<>();
  private final Map<ObjectName, Integer> layers = new HashMap<>();
  private final Set<ObjectName> deleted = new HashSet<>();
  private Fault fault = (_, _) -> {};
  private final Set<ObjectName> named = new HashSet<>();
  private int time;
  private int validated;

  WatchedStore(ObjectStore store) {
    this.store = store;
  }

  void fail(Fault how) {
    fault = how;
  }

  /// The authority was asked, and said yes.
  synchronized void validated() {
    validated = ++time;
  }

  private <T> T run(String operation, Act<T> act) throws IOException, InterruptedException {
    time++;
    events.add(operation);
    fault.at(operation, false);
    T result = act.act();
    fault.at(operation, true);
    return result;
  }

  private void require(boolean condition, String violation) {
    if (!condition) {
      violations.add(violation);
    }
  }

  @Override
  public synchronized ObjectState put(
      ObjectName name, Content content, PutCondition condition, Duration limit)
      throws IOException, InterruptedException {
    byte[] bytes;
    try (InputStream in = content.open(0, content.size())) {
      bytes = in.readAllBytes();
    }
    Content same = Content.of(bytes);
    return run(
        "put " + name,
        () -> {
          switch (RemoteName.parse(name).orElse(null)) {
            case RemoteName.Index index -> checkIndex(index, bytes);
            case RemoteName.LayerFile _ -> checkLayer(name, same.crc32c(0, same.size()));
            case RemoteName.Manifest _ -> {}
            case null -> require(name.value().equals(CLOCK), name + " is no name of ours");
          }
          return store.put(name, same, condition, limit);
        });
  }

  private void checkLayer(ObjectName name, int crc) {
    require(!deleted.contains(name), name + " was deleted before it was put");
    Integer before = layers.put(name, crc);
    boolean same = before == null || before == crc;
    require(same || !named.contains(name), name + " is put twice, with other content");
  }

  private void checkIndex(RemoteName.Index name, byte[] bytes)
      throws IOException, InterruptedException {
    Generation newest = newest();
    if (newest != null && newest.compareTo(name.generation()) > 0) {
      return; // of a node that has lost the tenant: nobody reads it
    }
    IndexPart part = IndexJson.read(CheckedJson.read(bytes, "new"), "new");
    for (LayerEntry entry : part.layers()) {
      ObjectName layer = layer(name, entry).object();
      require(isThere(layer, entry), layer + " is named before it is there");
      named.add(layer);
    }
    var manifest = new RemoteName.Manifest(name.tenant(), name.generation());
    require(
        TenantManifest.read(read(manifest.object()), name.tenant(), "manifest")
            .names(name.timeline()),
        name + " is put before its manifest");
    indexPuts.put(name.timeline(), time);
  }

  private static RemoteName.LayerFile layer(RemoteName.Index index, LayerEntry entry) {
    return new RemoteName.LayerFile(
        index.tenant(), index.timeline(), entry.name(), entry.generation());
  }

  /// Whether the object of a layer is what it should be.
  boolean isThere(ObjectName name, LayerEntry entry) throws IOException, InterruptedException {
    try {
      ObjectState state = store.head(name, LIMIT);
      return state.size() == entry.bytes() && state.crc32c().orElseThrow() == entry.crc();
    } catch (StoreException.NotFound _) {
      return false;
    }
  }

  /// The content of an object, past all faults.
  byte[] read(ObjectName name) throws IOException, InterruptedException {
    var bytes = new ByteArrayOutputStream();
    Sink sink =
        (_, part) -> {
          var some = new byte[part.remaining()];
          part.get(some);
          bytes.write(some);
        };
    store.get(name, ByteRange.WHOLE, sink, LIMIT);
    return bytes.toByteArray();
  }

  /// The names of all objects, past all faults.
  List<RemoteName> all() throws IOException, InterruptedException {
    List<RemoteName> all = new ArrayList<>();
    String after = "";
    while (after != null) {
      ObjectPage page = store.list("", after, MOST_LISTED, LIMIT);
      page.objects().forEach(state -> all.add(RemoteName.parse(state.name()).orElseThrow()));
      after = page.next();
    }
    return all;
  }

  /// The newest index part of a timeline.
  Optional<IndexPart> index(TimelineId timeline) throws IOException, InterruptedException {
    Optional<RemoteName> newest =
        all().stream()
            .filter(name -> name instanceof RemoteName.Index of && of.timeline().equals(timeline))
            .max(Comparator.comparing(RemoteName::generation));
    if (newest.isEmpty()) {
      return Optional.empty();
    }
    byte[] bytes = read(newest.get().object());
    return Optional.of(IndexJson.read(CheckedJson.read(bytes, "index"), "index"));
  }

  /// The newest manifest.
  Optional<TenantManifest> manifest() throws IOException, InterruptedException {
    Optional<RemoteName> newest =
        all().stream()
            .filter(RemoteName.Manifest.class::isInstance)
            .max(Comparator.comparing(RemoteName::generation));
    return newest.isEmpty()
        ? Optional.empty()
        : Optional.of(
            TenantManifest.read(read(newest.get().object()), newest.get().tenant(), "manifest"));
  }

  @Override
  public synchronized void delete(List<ObjectName> names, Duration limit)
      throws IOException, InterruptedException {
    run(
        "delete " + names,
        () -> {
          for (ObjectName name : names) {
            if (!name.value().equals(CLOCK)) {
              checkDeletion(RemoteName.parse(name).orElseThrow());
            }
          }
          deleted.addAll(names);
          store.delete(names, limit);
          return names;
        });
  }

  private void checkDeletion(RemoteName name) throws IOException, InterruptedException {
    if (name instanceof RemoteName.LayerFile layer) {
      boolean named = manifest().orElseThrow().names(layer.timeline());
      List<LayerEntry> live =
          named
              ? index(layer.timeline()).map(IndexPart::layers).orElse(List.of())
              : List.<LayerEntry>of();
      require(
          live.stream()
              .noneMatch(entry ->
                  entry.name().equals(layer.layer())
                      && entry.generation().equals(layer.generation())),
          name + " is deleted, and an index part names it");
      int put = indexPuts.getOrDefault(layer.timeline(), 0);
      require(validated > put, name + " is deleted without a validation");
    }
    require(validated > 0, name + " is deleted without any validation");
  }

  @Override
  public synchronized ObjectState get(ObjectName name, ByteRange range, Sink sink, Duration limit)
      throws IOException, InterruptedException {
    return run("get " + name, () -> store.get(name, range, sink, limit));
  }

  @Override
  public synchronized ObjectState head(ObjectName name, Duration limit)
      throws IOException, InterruptedException {
    return run("head " + name, () -> store.head(name, limit));
  }

  @Override
  public synchronized ObjectPage list(String prefix, String after, int most, Duration limit)
      throws IOException, InterruptedException {
    return run("list " + prefix, () -> store.list(prefix, after, most, limit));
  }

  @Override
  public int removeAbandoned(Instant before, Duration limit)
      throws IOException, InterruptedException {
    return store.removeAbandoned(before, limit);
  }

  /// How many operations there were of a kind.
  long count(String kind) {
    return events.stream().filter(event -> event.startsWith(kind)).count();
  }

  @Override
  public String toString() {
    return store.toString();
  }

  @Override
  public void close() {
    store.close();
  }

  /// The generation of the newest manifest.
  @Nullable Generation newest() throws IOException, InterruptedException {
    return all().stream()
        .filter(RemoteName.Manifest.class::isInstance)
        .map(RemoteName::generation)
        .max(Comparator.naturalOrder())
        .orElse(null);
  }
}
