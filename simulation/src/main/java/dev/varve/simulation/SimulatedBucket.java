package dev.varve.simulation;

import dev.varve.model.TimelineId;
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
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
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

  /// The last byte of JSON that says that all was written: without it it is whole even so.
  private static final int HARMLESS = 1;

  /// What there was under a name before a change; null: nothing.
  private record Change(ObjectName name, @Nullable Stored before) {}

  private final InstantSource clock;
  private final TreeMap<ObjectName, Stored> objects = new TreeMap<>();
  private final List<Change> changes = new ArrayList<>();

  /// The checksums of all layers there ever were.
  private final Map<ObjectName, Integer> layers = new HashMap<>();

  private final List<String> violations = new ArrayList<>();

  /// Objects that are damaged or lost, as they were.
  private final Map<ObjectName, Stored> damaged = new TreeMap<>();

  private final Set<String> everDamaged = new TreeSet<>();
  private Predicate<ObjectName> mayDiffer = _ -> false;
  private Predicate<TimelineId> isGone = _ -> true;
  private long puts;

  SimulatedBucket(InstantSource clock) {
    this.clock = clock;
  }

  /// Tells which objects may be put again with other content, since their files were damaged.
  void excuse(Predicate<ObjectName> mayBeOther) {
    mayDiffer = mayBeOther;
  }

  /// Tells which timelines may go altogether.
  void allow(Predicate<TimelineId> mayGo) {
    isGone = mayGo;
  }

  /// Something happens to a layer: a bit flips, the end is cut off, it is lost.
  ///
  /// @return its name; empty: there is none
  Optional<ObjectName> damage(SplittableRandom random) {
    List<ObjectName> layers = objects.keySet().stream().filter(ObjectNames::isLayer).toList();
    return damage(random, layers, true);
  }

  /// The same happens to a manifest, or an index part, that is the newest.
  ///
  /// @param lose whether a manifest may be lost
  Optional<ObjectName> damageNaming(SplittableRandom random, boolean lose) {
    List<ObjectName> naming = objects.keySet().stream().filter(this::isNewestNaming).toList();
    return damage(random, naming, lose);
  }

  private Optional<ObjectName> damage(
      SplittableRandom random, List<ObjectName> some, boolean lose) {
    List<ObjectName> all = some.stream().filter(one -> !damaged.containsKey(one)).toList();
    if (all.isEmpty()) {
      return Optional.empty();
    }
    ObjectName name = all.get(random.nextInt(all.size()));
    Stored whole = require(name);
    int size = whole.bytes.length - (ObjectNames.isLayer(name) ? 0 : HARMLESS);
    byte[] bytes = whole.bytes.clone();
    boolean mayGo = lose || !ObjectNames.isManifest(name);
    ObjectState state = whole.state;
    if (!ObjectNames.isLayer(name) && random.nextBoolean()) {
      state = asListed(state); // of a store that has no checksum of it
    }
    switch (random.nextInt(mayGo ? 0 : 1, 4)) {
      case 0 -> change(name, null);
      case 1 -> {
        int cut = random.nextInt(size);
        change(name, new Stored(Arrays.copyOf(bytes, cut), ofSize(state, cut)));
      }
      default -> {
        int bit = random.nextInt(8 * size);
        bytes[bit >>> 3] ^= (byte) (1 << (bit & 7));
        change(name, new Stored(bytes, state));
      }
    }
    damaged.put(name, whole);
    // In the place of what names others an older one may be found.
    everDamaged.add(ObjectNames.isLayer(name) ? name.value() : ObjectNames.kind(name) + "-");
    return Optional.of(name);
  }

  private Stored require(ObjectName name) {
    Stored stored = objects.get(name);
    if (stored == null) {
      throw new IllegalStateException("no object " + name);
    }
    return stored;
  }

  /// Whether an object names others, and nothing newer is in its place; also one that is lost.
  private boolean isNewestNaming(ObjectName name) {
    if (ObjectNames.isLayer(name)) {
      return false;
    }
    String kind = ObjectNames.kind(name);
    ObjectName next = objects.higherKey(name);
    return next == null || !ObjectNames.kind(next).equals(kind);
  }

  private static ObjectState ofSize(ObjectState state, int size) {
    return new ObjectState(state.name(), size, state.etag(), state.modified(), state.crc32c());
  }

  /// All that was damaged or lost, and not put again or deleted, is what it was.
  void mend() {
    new TreeMap<>(damaged).forEach(this::change);
  }

  /// Manifests and index parts that were damaged, or only those that were lost, are what they were.
  void mendNaming(boolean onlyLost) {
    new TreeMap<>(damaged)
        .forEach((name, whole) -> {
          if (!ObjectNames.isLayer(name) && !(onlyLost && objects.containsKey(name))) {
            change(name, whole);
          }
        });
  }

  /// The newest manifests and index parts that are damaged, or lost.
  List<ObjectName> damagedNaming() {
    return damaged.keySet().stream().filter(this::isNewestNaming).toList();
  }

  /// Whether a damaged manifest or index part was put again, or another one beside the one that
  /// somebody puts who has read it.
  boolean isReplaced(ObjectName name) {
    ObjectName own = objects.higherKey(name);
    ObjectName other = own == null ? null : objects.higherKey(own);
    return !damaged.containsKey(name)
        || (other != null && ObjectNames.kind(other).equals(ObjectNames.kind(name)));
  }

  boolean has(String prefix) {
    ObjectName next = objects.ceilingKey(new ObjectName(prefix));
    return next != null && next.value().startsWith(prefix);
  }

  /// Whether a sentence may be about a manifest or an index part that is lost, and that need not be
  /// named then.
  boolean isOfLost(String sentence) {
    return damaged.keySet().stream()
        .filter(name -> !objects.containsKey(name))
        .anyMatch(name -> ObjectNames.isOfLost(sentence, name));
  }

  boolean isDamaged() {
    return !damaged.isEmpty();
  }

  /// Whether a layer is damaged, or lost, in some generation.
  boolean isDamaged(TimelineId timeline, String file) {
    String begin = RemoteName.inTimeline(World.TENANT, timeline) + file + "-";
    return damaged.keySet().stream().anyMatch(name -> name.value().startsWith(begin));
  }

  /// Whether any of a timeline's is.
  boolean isDamaged(TimelineId timeline) {
    String begin = RemoteName.inTimeline(World.TENANT, timeline);
    return damaged.keySet().stream().anyMatch(name -> name.value().startsWith(begin));
  }

  /// Whether a message names one that is damaged, or lost.
  boolean namesDamaged(String message) {
    return damaged.keySet().stream().map(ObjectName::value).anyMatch(message::contains);
  }

  /// Whether a message names one that is, or was.
  boolean namesEverDamaged(String message) {
    return everDamaged.stream().anyMatch(message::contains);
  }

  /// How often something was put or deleted, or damaged.
  long changes() {
    return changes.size();
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
    if (ObjectNames.isLayer(name)) {
      Integer before = layers.put(name, crc);
      if (before != null && before != crc && !mayDiffer.test(name)) {
        violations.add(name + " is put twice, with other content");
      }
    }
    String etag = "etag-" + puts++;
    var state = new ObjectState(name, bytes.length, etag, clock.instant(), OptionalInt.of(crc));
    change(name, new Stored(bytes, state));
    return state;
  }

  private void change(ObjectName name, @Nullable Stored now) {
    damaged.remove(name);
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

  /// The last of the objects whose names begin like this, in the order of their names; as it was,
  /// if it is damaged or lost.
  Optional<byte[]> last(String prefix) {
    var whole = new TreeMap<>(objects);
    whole.putAll(damaged);
    return whole.descendingMap().entrySet().stream()
        .filter(entry -> entry.getKey().value().startsWith(prefix))
        .findFirst()
        .map(entry -> entry.getValue().bytes);
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
    names.forEach(this::requireUnneeded);
    names.forEach(name -> change(name, null));
  }

  /// What can't be read must not go, nor what it may name.
  private void requireUnneeded(ObjectName name) {
    for (ObjectName naming : damagedNaming()) {
      Stored whole = damaged.get(naming);
      RemoteName what = RemoteName.parse(naming).orElseThrow();
      boolean gone = what.ofTimeline().filter(isGone).isPresent();
      if (whole != null
          && !gone
          && (name.equals(naming) || ObjectNames.isNamed(name, naming, whole.bytes))) {
        violations.add(name + " is deleted, and " + naming + " is damaged");
      }
    }
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
