package dev.varve.timeline;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;

import dev.varve.layer.DeltaLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.LayerKind;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Brings back the timelines of a data directory, from their small files alone: it takes the same
/// time whatever the size of the data. What is wrong with one timeline makes that one broken.
final class Loading {

  private static final System.Logger LOG = System.getLogger(Loading.class.getName());

  /// What a timeline's directory says; `broken`: why it can't be used.
  private record Found(
      TimelineFiles files, TimelineIdentity identity, IndexPart index, @Nullable String broken) {}

  private final TenantFiles files;
  private final Shared shared;
  private final BackPressure backPressure;
  private final Map<TimelineKey, Found> found = new HashMap<>();
  private final Map<TimelineKey, Timeline> loaded = new HashMap<>();

  Loading(TenantFiles files, Shared shared, BackPressure backPressure) {
    this.files = files;
    this.shared = shared;
    this.backPressure = backPressure;
  }

  Collection<Timeline> all() throws IOException {
    for (TimelineFiles timeline : files.list()) {
      Found one = look(timeline);
      if (one.broken == null && !one.index.imported()) {
        LOG.log(INFO, "the import of timeline \"{0}\" never ended; it goes", one.identity.name());
        TenantFiles.deleteTree(files.setAside(timeline));
      } else {
        found.put(TimelineKey.of(one.identity), one);
      }
    }
    for (TimelineKey key : found.keySet()) {
      load(key);
    }
    return loaded.values();
  }

  private Found look(TimelineFiles timeline) {
    TimelineIdentity identity = unknown(timeline.directory());
    IndexPart index = new IndexPart(Lsn.ZERO, Lsn.MAX, true, List.of());
    String broken;
    try {
      TimelineIdentity read = timeline.readIdentity();
      if (!TimelineKey.of(read).equals(TimelineKey.of(identity))) {
        throw new IOException(timeline.directory() + " holds another timeline, " + read.id());
      }
      identity = read;
      index = withoutFuture(timeline, timeline.readIndex());
      broken = timeline.findMissing(index);
      if (broken == null) {
        timeline.deleteUnlisted(index);
      }
    } catch (IOException e) {
      broken = e.getMessage() == null ? e.toString() : e.getMessage();
    }
    if (identity.pgVersion() == 0) {
      shared.unknown().add(identity.tenant());
    }
    if (broken != null) {
      LOG.log(ERROR, "timeline \"{0}\" is broken: {1}", identity.name(), broken);
    }
    return new Found(timeline, identity, index, broken);
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
    String broken = one.broken;
    if (one.identity.ancestor().isPresent()) {
      TimelineId id = one.identity.ancestor().get();
      var ancestorKey = new TimelineKey(key.tenant(), id);
      if (!found.containsKey(ancestorKey) || isCycle(key)) {
        broken = broken == null ? "its ancestor " + id + " is missing" : broken;
      } else {
        ancestor = load(ancestorKey);
      }
    }
    Timeline timeline =
        assemble(one.files, one.identity, one.index, ancestor, broken, backPressure, shared);
    loaded.put(key, timeline);
    return timeline;
  }

  private boolean isCycle(TimelineKey key) {
    TimelineKey at = key;
    for (int steps = 0; steps <= found.size(); steps++) {
      Found one = found.get(at);
      if (one == null || one.identity.ancestor().isEmpty()) {
        return false;
      }
      at = new TimelineKey(key.tenant(), one.identity.ancestor().get());
    }
    return true;
  }

  /// Puts a timeline together.
  ///
  /// @param broken why it can't be used; null: it can
  static Timeline assemble(
      TimelineFiles files,
      TimelineIdentity identity,
      IndexPart index,
      @Nullable Timeline ancestor,
      @Nullable String broken,
      BackPressure backPressure,
      Shared shared) {
    List<HistoricLayer> layers =
        broken != null
            ? List.of()
            : index.layers().stream().map(entry -> open(files, identity, entry, shared)).toList();
    var durable =
        new DurableIndex(files, index, shared.tasks(), TimelineKey.of(identity).toString());
    var reader =
        new PageReader(
            identity.name(),
            new LayerMaps(identity.name(), HistoricLayers.of(layers)),
            new LastRecord(identity.name(), index.diskConsistentLsn().value()),
            new Condition(identity.name(), broken),
            PageCacheView.of(shared.pages(), () -> durable.part().readableFrom().value()),
            ancestor == null ? null : ancestor.reader(),
            identity.start().value(),
            new TimelineMetrics(),
            shared.tasks());
    var timeline = new Timeline(identity, durable, reader, ancestor, backPressure, shared);
    if (ancestor != null) {
      ancestor.retain(TimelineKey.of(identity), identity.start());
    }
    return timeline;
  }

  private static HistoricLayer open(
      TimelineFiles files, TimelineIdentity identity, LayerEntry entry, Shared shared) {
    Path file = files.layer(entry.name());
    var owner = new LayerOwner(identity.tenant(), identity.id());
    return new HistoricLayer(
        entry,
        entry.name().kind() == LayerKind.DELTA
            ? new DeltaLayer(shared.files(), file, entry.name(), owner)
            : new ImageLayer(shared.files(), file, entry.name(), owner));
  }
}
