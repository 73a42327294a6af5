package dev.varve.simulation;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.AbsentLayers;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// A node that has lost its tenant to another, whether it knows or not, and goes on: it takes in
/// WAL that nobody else gets, flushes, merges, uploads, deletes, crashes. What it reads is what it
/// took in, or an error. Nothing that it does changes what the owner has; and it never says that
/// more is in the object store than the owner found there.
final class Ghost {

  private final World world;
  private final Map<TimelineId, Long> found;
  private final Map<String, Ingest> writers = new HashMap<>();
  private final MemorySegment page = MemorySegment.ofArray(new byte[HashRedo.PAGE]);
  private final Map<String, ModelTimeline> models;
  private Node node;

  /// @param models what it has, of its own
  /// @param found up to where the owner found each timeline in the object store
  Ghost(World world, Node node, Map<String, ModelTimeline> models, Map<TimelineId, Long> found) {
    this.world = world;
    this.node = node;
    this.models = models;
    this.found = found;
  }

  Node node() {
    return node;
  }

  /// Whether it knows that it has no tenant.
  boolean knows() {
    return node.server().tenants().timelines().stream()
        .allMatch(timeline -> timeline.state() instanceof TimelineState.Lost);
  }

  /// Something happens on it.
  void step() throws IOException {
    node.server().begin();
    if (node.disk().isDead()) {
      restart();
    }
    try {
      act();
    } catch (PageserverException e) {
      requireError(e);
    }
    claims();
    if (!models.isEmpty()) {
      read(any());
    }
  }

  private void act() throws IOException {
    switch (world.random().nextInt(16)) {
      case 0 -> node.line().setStoreAway(world.random().nextBoolean());
      case 1 -> node.line().setAuthorityAway(world.random().nextBoolean());
      case 2 -> restart();
      case 3 -> pass();
      case 4, 5, 6 -> settle();
      default -> {
        if (!models.isEmpty()) {
          act(any());
        }
      }
    }
  }

  private void pass() {
    int minutes = world.random().nextInt(30);
    world.history().note("  ghost: pass", minutes);
    node.server().threads().pass(Duration.ofMinutes(minutes));
  }

  private void settle() {
    world.history().note("  ghost: settle");
    node.server().threads().settle();
  }

  private ModelTimeline any() {
    List<ModelTimeline> all = List.copyOf(models.values());
    return all.get(world.random().nextInt(all.size()));
  }

  private Optional<Timeline> real(ModelTimeline model) {
    return node.server().tenants().find(World.TENANT, model.id());
  }

  private void act(ModelTimeline model) {
    Optional<Timeline> real = real(model);
    if (real.isEmpty()) {
      return;
    }
    int what = world.random().nextInt(13);
    world.history().note("  ghost:", what, model);
    switch (what) {
      case 0, 1, 2 -> ingest(model, real.get());
      case 3 -> real.get().checkpoint();
      case 4 -> real.get().compact();
      case 5 -> real.get().collectGarbage();
      case 6 -> evict();
      case 7 -> branch(model, real.get());
      case 11 -> configure();
      case 12 -> AbsentLayers.fetch(real.get());
      case 8, 9 -> node.server().tenants().upload(real.get(), Duration.ofMinutes(2));
      default -> delete(model, real.get());
    }
  }

  private void evict() {
    Storing.fill(node.line(), node.disk(), world.random());
    node.server().threads().pass(Duration.ofMinutes(1));
    node.line().setRoom(Storing.ROOMY);
  }

  /// Nobody else ever hears of it.
  private void configure() {
    String interval = Configuring.interval(world.random());
    node.server().tenants().configure(World.TENANT, Configuring.texts(interval));
  }

  /// Nobody else ever has it.
  private void branch(ModelTimeline model, Timeline real) {
    if (models.size() >= 2 * world.swarm().timelines()) {
      return;
    }
    long first = real.readableFrom().value();
    long last = Math.min(model.last(), real.lastRecordLsn().value());
    if (first <= last) {
      long at = first + world.random().nextLong(last - first + 1);
      var branch =
          new ModelTimeline(world.newId(), world.newName(), model, at, Math.min(at, first));
      models.put(branch.name(), branch); // it may be there although that fails
      node.server().tenants().branch(real, branch.id(), branch.name(), new Lsn(at));
    }
  }

  private void ingest(ModelTimeline model, Timeline real) {
    try {
      catchUp(model, real);
      for (int i = 1 + world.random().nextInt(6); i > 0; i--) {
        long lsn = model.last() + 1 + world.random().nextInt(8);
        WalEntry record = world.entries().record(model, lsn, node.server().now(), false);
        model.add(record);
        put(model, real, record);
      }
    } catch (PageserverException e) {
      close(model);
      throw e;
    }
  }

  /// What is not durable after a restart is sent again.
  private void catchUp(ModelTimeline model, Timeline real) {
    long last = real.lastRecordLsn().value();
    for (WalEntry record : List.copyOf(model.records())) {
      if (record.lsn() > last) {
        put(model, real, record);
      }
    }
  }

  private void put(ModelTimeline model, Timeline real, WalEntry record) {
    Ingest writer = writers.computeIfAbsent(model.name(), _ -> real.ingest());
    if (record.loaded()) {
      try (ImageLoad load = real.imageLoad(new Lsn(record.lsn()))) {
        Entries.put(load, record);
        load.finish();
      }
    } else {
      Entries.put(writer, record);
    }
    writer.advance(record.lsn());
  }

  private void delete(ModelTimeline model, Timeline real) {
    boolean leaf = models.values().stream().noneMatch(other -> other.ancestor() == model);
    if (leaf && models.size() > 1 && world.random().nextInt(3) == 0) {
      close(model);
      models.remove(model.name());
      node.server().tenants().delete(real);
    }
  }

  private void close(ModelTimeline model) {
    Ingest writer = writers.remove(model.name());
    if (writer != null) {
      writer.close();
    }
  }

  /// The process ends, by a crash or in order, and another begins.
  private void restart() throws IOException {
    boolean crash = world.random().nextBoolean();
    world.history().note("  ghost: restart", crash);
    if (!crash) {
      models.values().forEach(this::close);
      node.server().tenants().close();
    }
    writers.clear();
    SimulatedDisk next = node.disk().crash(world.random());
    node.server().bury();
    node = world.start(next, node.line(), node.server().now());
  }

  /// It says that it has something in the object store only if the owner found it there.
  void claims() {
    for (Timeline timeline : node.server().tenants().timelines()) {
      timeline
          .uploadState()
          .ifPresent(state -> {
            long claimed = state.remoteConsistentLsn().value();
            long there = found.getOrDefault(timeline.id(), 0L);
            Finding.require(
                claimed <= there,
                "%s of a node that has lost it is in the object store up to %d, it says, and was found up to %d"
                    .formatted(timeline, claimed, there));
          });
    }
  }

  private void read(ModelTimeline model) {
    Timeline real = real(model).orElse(null);
    if (real == null) {
      return;
    }
    long first = real.readableFrom().value();
    long last = Math.min(real.lastRecordLsn().value(), model.last());
    if (first > last) {
      return;
    }
    long lsn =
        world.random().nextBoolean() ? last : first + world.random().nextLong(last - first + 1);
    try {
      page(model, real, lsn);
      value(model, real, lsn);
    } catch (PageserverException e) {
      requireError(e);
    }
  }

  private void page(ModelTimeline model, Timeline real, long lsn) {
    Key key = TableRules.page(world.random().nextInt(world.swarm().pages()));
    if (model.isDropped(key, lsn)) {
      return;
    }
    PageState expected = model.state(key, lsn);
    try {
      real.page(key, new Lsn(lsn), page);
    } catch (PageserverException.NotFound e) {
      Finding.require(
          expected == null || expected instanceof PageState.Absent,
          "a node that has lost %s does not find %s as of %d: %s"
              .formatted(model, key, lsn, e.getMessage()));
      return;
    } catch (PageserverException.DataCorrupted e) {
      if (expected instanceof PageState.Unmakeable) {
        return;
      }
      throw e;
    }
    boolean same =
        expected instanceof PageState.Page state && HashRedo.page(state).mismatch(page) < 0;
    Finding.require(
        same, "a node that has lost %s reads %s as of %d wrongly".formatted(model, key, lsn));
  }

  private void value(ModelTimeline model, Timeline real, long lsn) {
    Key key = TableRules.value(world.random().nextInt(Entries.VALUES));
    String expected =
        model.state(key, lsn) instanceof PageState.Value(String text) && !text.isEmpty()
            ? text
            : "";
    byte[] bytes = real.value(key, new Lsn(lsn));
    String read = bytes == null ? "" : new String(bytes, ISO_8859_1);
    Finding.require(
        read.equals(expected),
        "a node that has lost %s has %s as of %d: %s, not %s"
            .formatted(model, key, lsn, read, expected));
  }

  /// What it does may fail, but it never finds that what it has is wrong.
  private void requireError(PageserverException failure) {
    if (failure instanceof PageserverException.DataCorrupted
        && !node.disk().isDead()
        && !world.namesEverDamaged(String.valueOf(failure.getMessage()))) {
      throw failure;
    }
    world.history().note("  ghost fails:", String.valueOf(failure.getMessage()));
  }

  /// Ends the process, for good.
  void end() {
    node.disk().crash(world.random());
    node.server().bury();
  }

  /// What there is to be read in the model, for another node.
  static Map<String, ModelTimeline> forks(Iterable<ModelTimeline> models) {
    Map<ModelTimeline, ModelTimeline> forks = new HashMap<>();
    Map<String, ModelTimeline> all = new TreeMap<>();
    for (ModelTimeline model : models) {
      all.put(model.name(), model.fork(forks));
    }
    return all;
  }
}
