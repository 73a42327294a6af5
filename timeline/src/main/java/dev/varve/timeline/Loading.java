package dev.varve.timeline;

import static dev.varve.timeline.Condition.Service.RUNNING;
import static dev.varve.timeline.Condition.Service.STOPPED;
import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/// Brings back the timelines of a data directory, from their small files alone: it takes the same
/// time whatever the size of the data. What is wrong with one timeline makes that one broken; what
/// is wrong with one of its layer files only breaks the reads that need it.
final class Loading {

  private static final System.Logger LOG = System.getLogger(Loading.class.getName());

  /// What a timeline's directory says.
  ///
  /// @param damaged what is wrong with layer files, by path
  /// @param broken why the timeline can't be used; null: it can
  private record Found(
      TimelineFiles files,
      TimelineIdentity identity,
      IndexHead index,
      Map<Path, String> damaged,
      @Nullable String broken) {

    Found asBroken(String reason) {
      return new Found(files, identity, index, damaged, reason);
    }

    Optional<TimelineKey> ancestor() {
      return identity.ancestor().map(id -> new TimelineKey(identity.tenant(), id));
    }
  }

  private static final String NEVER_IMPORTED =
      "its import never ended; delete it, and import again";

  private static final Duration LONG = Duration.ofHours(1);

  private final TenantFiles files;
  private final Shared shared;
  private final BackPressure backPressure;
  private final List<Path> leftOver = new ArrayList<>();
  private final Map<TimelineKey, Found> found = new HashMap<>();
  private final Map<TimelineKey, Timeline> loaded = new HashMap<>();

  Loading(TenantFiles files, Shared shared, BackPressure backPressure) {
    this.files = files;
    this.shared = shared;
    this.backPressure = backPressure;
  }

  Collection<Timeline> all() throws IOException {
    return load(files.list(leftOver));
  }

  /// Loads the timelines of one tenant, of which none is loaded.
  Collection<Timeline> tenant(TenantId id) throws IOException {
    return load(files.list(id, leftOver));
  }

  private Collection<Timeline> load(List<TimelineFiles> timelines) throws IOException {
    for (Found one : look(timelines)) {
      if (one.broken == null && !one.index.imported()) {
        LOG.log(INFO, "the import of timeline \"{0}\" never ended; it goes", one.identity.name());
        discard(one);
      } else {
        found.put(TimelineKey.of(one.identity), one);
      }
    }
    for (TimelineKey key : found.keySet()) {
      load(key);
    }
    return loaded.values();
  }

  /// Looks at all timelines, several at a time.
  private List<Found> look(List<TimelineFiles> timelines) throws IOException {
    var looks = new ConcurrentHashMap<TimelineFiles, Found>();
    var tasks = new ArrayList<Task>();
    for (TimelineFiles each : timelines) {
      String name = "look at timeline " + each.directory().getFileName();
      tasks.add(
          shared
              .tasks()
              .submit(TaskSpec.once(TaskKind.LOADING, name, _ -> looks.put(each, look(each)))));
    }
    try {
      for (Task task : tasks) {
        while (!shared.tasks().await(task.end(), LONG)) {}
        task.end().get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException("a timeline can't be looked at", e);
    } catch (InterruptedException e) {
      tasks.forEach(Task::cancel);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the start was interrupted");
    }
    return timelines.stream().map(looks::get).toList();
  }

  private void discard(Found one) {
    try {
      leftOver.add(files.setAside(one.files));
      TenantFiles.deleteTree(leftOver.getLast()); // no object store has anything of it
      leftOver.removeLast();
    } catch (IOException e) {
      LOG.log(WARNING, "can't be deleted: " + one.files.directory(), e);
      if (Files.isDirectory(one.files.directory())) {
        found.put(TimelineKey.of(one.identity), one.asBroken(NEVER_IMPORTED));
      }
    }
  }

  /// Directories that don't count and could not be deleted.
  List<Path> leftOver() {
    return leftOver;
  }

  /// Loads a timeline that could not be used before.
  ///
  /// @param present all that there are
  Timeline again(TimelineKey key, Map<TimelineKey, Timeline> present) {
    Found one = look(files.timeline(key.tenant(), key.id()));
    if (one.broken == null && !one.index.imported()) {
      one = one.asBroken(NEVER_IMPORTED);
    }
    Timeline ancestor = one.ancestor().map(present::get).orElse(null);
    if (one.ancestor().isPresent() && (ancestor == null || isBelow(key, ancestor, present))) {
      return assemble(one.asBroken(withoutAncestor(one)), null);
    }
    return assemble(one, ancestor);
  }

  /// A timeline of which only the directory is known.
  static Timeline unknown(TimelineFiles files, BackPressure backPressure, Shared shared) {
    String reason = "it has not been looked at yet";
    TimelineIdentity identity = unknown(files.directory());
    Timeline timeline =
        assemble(files, identity, IndexHead.UNKNOWN, null, reason, backPressure, shared);
    shared.unknown().add(timeline.tenant());
    return timeline;
  }

  private static String withoutAncestor(Found one) {
    return one.broken == null
        ? "its ancestor " + one.identity.ancestor().orElseThrow() + " is missing"
        : one.broken;
  }

  /// Whether a timeline is a branch, at any depth, of one with that key.
  private static boolean isBelow(
      TimelineKey key, Timeline timeline, Map<TimelineKey, Timeline> present) {
    Timeline at = timeline;
    for (int steps = 0; at != null && steps <= present.size(); steps++) {
      if (TimelineKey.of(at.identity()).equals(key)) {
        return true;
      }
      at = at.ancestor().map(id -> present.get(new TimelineKey(key.tenant(), id))).orElse(null);
    }
    return at != null;
  }

  private Found look(TimelineFiles timeline) {
    TimelineIdentity identity = unknown(timeline.directory());
    IndexHead head = IndexHead.UNKNOWN;
    Map<Path, String> damaged = Map.of();
    String broken = null;
    try {
      TimelineIdentity read = timeline.readIdentity();
      if (!TimelineKey.of(read).equals(TimelineKey.of(identity))) {
        throw new IOException(timeline.directory() + " holds another timeline, " + read.id());
      }
      identity = read;
      IndexPart index = withoutFuture(timeline, timeline.readIndex());
      head = index.head(); // the list goes: all lists together take much more than their timelines
      damaged = findDamaged(timeline, index);
      if (damaged.isEmpty()) {
        timeline.deleteUnlisted(index);
      } else if (!index.imported()) {
        var first = damaged.entrySet().iterator().next();
        broken = "layer file " + first.getKey() + " " + first.getValue();
      }
    } catch (IOException e) {
      broken = FailureText.of(e);
    }
    if (broken != null) {
      LOG.log(ERROR, "timeline \"{0}\" is broken: {1}", identity.name(), broken);
    }
    return new Found(timeline, identity, head, damaged, broken);
  }

  private Map<Path, String> findDamaged(TimelineFiles files, IndexPart index) throws IOException {
    Map<Path, String> damaged = new LinkedHashMap<>();
    for (LayerEntry entry : index.layers()) {
      if (shared.remote() != null && !Files.exists(files.layer(entry.name()))) {
        continue; // it is in the object store
      }
      String finding = files.findDamage(entry);
      if (finding != null) {
        damaged.put(files.layer(entry.name()), finding);
      }
    }
    return damaged;
  }

  /// What can be said of a timeline that does not say who it is.
  private static TimelineIdentity unknown(Path directory) {
    Path tenant = directory.resolve("../..").normalize();
    TimelineId id = TimelineId.parse(directory.getFileName().toString());
    return new TimelineIdentity(
        TenantId.parse(tenant.getFileName().toString()),
        id,
        id.toString(),
        0,
        Optional.empty(),
        Lsn.ZERO,
        Instant.EPOCH,
        Map.of());
  }

  /// Images can be ahead of what the index part says is durable; the records that they come from
  /// come again, and bring them again.
  private static IndexPart withoutFuture(TimelineFiles files, IndexPart index) throws IOException {
    List<LayerEntry> past = new ArrayList<>(index.layers());
    past.removeIf(entry -> entry.name().lsns().start().isAfter(index.diskConsistentLsn()));
    if (past.size() == index.layers().size()) {
      return index;
    }
    var without = index.withLayers(past);
    files.writeIndex(without);
    return without;
  }

  private Timeline load(TimelineKey key) {
    Timeline done = loaded.get(key);
    if (done != null) {
      return done;
    }
    Found one = found.get(key);
    if (one == null) {
      throw new IllegalStateException(key + " was not found");
    }
    Timeline ancestor = null;
    TimelineKey ancestorKey = one.ancestor().orElse(null);
    if (ancestorKey != null) {
      if (!found.containsKey(ancestorKey) || isCycle(key)) {
        one = one.asBroken(withoutAncestor(one));
      } else {
        ancestor = load(ancestorKey);
      }
    }
    Timeline timeline = assemble(one, ancestor);
    loaded.put(key, timeline);
    return timeline;
  }

  private boolean isCycle(TimelineKey key) {
    TimelineKey at = key;
    for (int steps = 0; steps <= found.size(); steps++) {
      Found one = found.get(at);
      if (one == null || one.ancestor().isEmpty()) {
        return false;
      }
      at = one.ancestor().get();
    }
    return true;
  }

  private Timeline assemble(Found one, @Nullable Timeline ancestor) {
    Timeline timeline =
        assemble(one.files, one.identity, one.index, ancestor, one.broken, backPressure, shared);
    if (Reloading.isUnknown(timeline)) {
      shared.unknown().add(timeline.tenant());
    }
    if (one.broken == null) {
      one.damaged.forEach(timeline.condition().damaged()::note);
      if (one.files.isStopped()) {
        timeline.condition().setService(RUNNING, STOPPED);
        timeline.reader().lastRecord().end(timeline.condition().stopped());
      }
    }
    return timeline;
  }

  /// Puts a timeline together.
  ///
  /// @param broken why it can't be used; null: it can
  static Timeline assemble(
      TimelineFiles files,
      TimelineIdentity identity,
      IndexHead index,
      @Nullable Timeline ancestor,
      @Nullable String broken,
      BackPressure backPressure,
      Shared shared) {
    var durable = new DurableIndex(files, identity.name(), TimelineKey.of(identity), index, shared);
    var reader =
        new PageReader(
            identity.name(),
            durable.maps(),
            new LastRecord(identity.name(), index.diskConsistentLsn().value()),
            new Condition(identity.name(), broken, new DamagedFiles(files, shared.tasks().clock())),
            PageCacheView.of(shared.pages(), () -> durable.head().readableFrom().value()),
            ancestor == null ? null : new AncestorLink(ancestor.reader()),
            identity.start().value(),
            new TimelineMetrics(),
            shared.tasks());
    var timeline = new Timeline(identity, durable, reader, ancestor, backPressure, shared);
    if (ancestor != null) {
      ancestor.garbage().retain(TimelineKey.of(identity), identity.start());
    }
    return timeline;
  }
}
