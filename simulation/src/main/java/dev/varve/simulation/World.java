package dev.varve.simulation;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.time.Instant;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.TreeMap;

/// All there is in a run: the disk, the process that runs on it, and what they should hold.
final class World {

  static final TenantId TENANT = new TenantId(1, 2);

  private final SplittableRandom random;
  private final Swarm swarm;
  private final Entries entries;
  private final History history;
  private final Map<String, ModelTimeline> models = new TreeMap<>();
  private final Map<String, ModelTimeline> uncertain = new TreeMap<>();
  private final Map<String, Ingest> writers = new TreeMap<>();
  private SimulatedDisk disk = new SimulatedDisk();
  private SimulatedServer server;
  private int names;

  World(long seed, History history) throws IOException {
    random = new SplittableRandom(seed);
    swarm = Swarm.of(random);
    entries = new Entries(random, swarm);
    this.history = history;
    history.note("begin", swarm);
    disk.limit(swarm.mostBytes());
    server = open(disk, SimulatedServer.NOW);
  }

  SplittableRandom random() {
    return random;
  }

  Swarm swarm() {
    return swarm;
  }

  Entries entries() {
    return entries;
  }

  History history() {
    return history;
  }

  SimulatedDisk disk() {
    return disk;
  }

  SimulatedServer server() {
    return server;
  }

  /// A new process.
  SimulatedServer open(SimulatedDisk newDisk, Instant now) throws IOException {
    return new SimulatedServer(newDisk, random.split(), swarm.settings(), this::lsnAt, now);
  }

  private Optional<Lsn> lsnAt(Timeline timeline, Instant moment) {
    ModelTimeline model = models.get(timeline.name());
    OptionalLong lsn = model == null ? OptionalLong.empty() : model.lsnAt(moment);
    return lsn.isPresent() ? Optional.of(new Lsn(lsn.getAsLong())) : Optional.empty();
  }

  Instant now() {
    return server.now();
  }

  void become(SimulatedDisk newDisk, SimulatedServer newServer) {
    disk = newDisk;
    server = newServer;
  }

  /// By their names; those that are there.
  Map<String, ModelTimeline> models() {
    return models;
  }

  /// Those that are there or not after a crash: they were being made or deleted.
  Map<String, ModelTimeline> uncertain() {
    return uncertain;
  }

  ModelTimeline any() {
    Iterator<ModelTimeline> all = models.values().iterator();
    for (int skip = random.nextInt(models.size()); skip > 0; skip--) {
      all.next();
    }
    return all.next();
  }

  Timeline real(ModelTimeline model) {
    return server
        .tenants()
        .find(TENANT, model.id())
        .orElseThrow(() -> new Finding("timeline " + model + " is gone"));
  }

  boolean isThere(ModelTimeline model) {
    return server.tenants().find(TENANT, model.id()).isPresent();
  }

  Ingest writer(ModelTimeline model) {
    return writers.computeIfAbsent(model.name(), _ -> real(model).ingest());
  }

  void closeWriter(ModelTimeline model) {
    Ingest writer = writers.remove(model.name());
    if (writer != null) {
      writer.close();
    }
  }

  void closeWriters() {
    writers.values().forEach(Ingest::close);
    writers.clear();
  }

  void forgetWriters() {
    writers.clear();
  }

  String newName() {
    return "t" + names++;
  }

  TimelineId newId() {
    return new TimelineId(random.nextLong(), random.nextLong());
  }

  /// An operation has failed: it was to fail, or the process is dead.
  void requireExpected(PageserverException failure) {
    boolean expected =
        disk.isDead()
            || failure instanceof PageserverException.Unavailable
                && DiskFault.isNamedBy(failure.getMessage());
    if (!expected) {
      throw failure;
    }
    history.note("  fails:", failure.getMessage());
  }
}
