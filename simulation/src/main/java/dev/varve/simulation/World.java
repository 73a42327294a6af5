package dev.varve.simulation;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.Hold;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// All there is in a run: the disk, the process that runs on it, and what they should hold.
final class World {

  static final TenantId TENANT = new TenantId(1, 2);

  private final SplittableRandom random;
  private final Swarm swarm;
  private final Entries entries;
  private final History history;
  private final Settings settings;
  private final Map<String, ModelTimeline> models = new TreeMap<>();
  private final Map<String, ModelTimeline> uncertain = new TreeMap<>();
  private final Set<ModelTimeline> stopping = new HashSet<>();
  private final Map<String, ModelTimeline> stopped = new TreeMap<>();
  private final Set<String> damaged = new TreeSet<>();
  private final Set<String> everDamaged = new TreeSet<>();
  private final List<Held> holds = new ArrayList<>();
  private final Map<String, Ingest> writers = new TreeMap<>();
  private final @Nullable Cloud cloud;
  private final Map<String, ModelTimeline> gone = new TreeMap<>();
  private SimulatedDisk disk = new SimulatedDisk();
  private @Nullable Line line;
  private SimulatedServer server;
  private @Nullable Ghost ghost;
  private int names;

  /// By which objects are put: when the last process began.
  private Instant time = SimulatedServer.NOW;

  /// An LSN of which somebody reads for long.
  private record Held(ModelTimeline model, long lsn, Hold hold) {}

  World(long seed, History history) throws IOException {
    random = new SplittableRandom(seed);
    swarm = Swarm.of(random);
    entries = new Entries(random, swarm);
    this.history = history;
    settings = new Settings(swarm.settings().retention());
    history.note("begin", swarm);
    disk.limit(swarm.mostBytes());
    Swarm.Stored stored = swarm.stored();
    cloud = stored == null ? null : new Cloud(stored, random, () -> time);
    line = cloud == null ? null : cloud.newLine();
    if (cloud != null) {
      cloud.bucket().excuse(object -> namesObject(everDamaged, object.value()));
      cloud.bucket().allow(id -> present().stream().noneMatch(model -> model.id().equals(id)));
    }
    server = open(disk, SimulatedServer.NOW);
  }

  /// The object store and the authority; null: there are none.
  @Nullable Cloud cloud() {
    return cloud;
  }

  /// Of the node that has the tenant; null: there is no object store.
  @Nullable Line line() {
    return line;
  }

  /// A node that has lost the tenant; null: there is none.
  @Nullable Ghost ghost() {
    return ghost;
  }

  void setGhost(@Nullable Ghost newGhost) {
    ghost = newGhost;
  }

  /// What is set for the tenant.
  Settings settings() {
    return settings;
  }

  /// Timelines that were deleted, which the object store may still have.
  Map<String, ModelTimeline> gone() {
    return gone;
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
    return open(newDisk, line, now);
  }

  private SimulatedServer open(SimulatedDisk newDisk, @Nullable Line reached, Instant now)
      throws IOException {
    time = now.isAfter(time) ? now : time;
    return new SimulatedServer(
        newDisk,
        random.split(),
        swarm.settings(),
        this::lsnAt,
        now,
        threads ->
            cloud == null || reached == null ? null : cloud.remote(reached, newDisk, threads));
  }

  /// A process on a node that is not the owner.
  Node start(SimulatedDisk newDisk, Line reached, Instant now) throws IOException {
    return new Node(newDisk, open(newDisk, reached, now), reached);
  }

  /// Another node is the owner.
  void become(Node node) {
    become(node.disk(), node.server());
    line = node.line();
    damaged.clear(); // all that is there has come from the store
  }

  private Optional<Lsn> lsnAt(Timeline timeline, Instant moment) {
    ModelTimeline model = models.get(timeline.name()); // of one that is stopped no history goes
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

  /// Those that were being stopped or started when the process died: they are the one or the other.
  Set<ModelTimeline> stopping() {
    return stopping;
  }

  /// Those that are stopped, and not among {@link #models()}, by their names.
  Map<String, ModelTimeline> stopped() {
    return stopped;
  }

  /// Those that are there, stopped or not.
  List<ModelTimeline> present() {
    var all = new ArrayList<>(models.values());
    all.addAll(stopped.values());
    return all;
  }

  /// Those that are there, and those that may be.
  List<ModelTimeline> known() {
    List<ModelTimeline> all = present();
    all.addAll(uncertain.values());
    return all;
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

  /// The paths of files that were damaged, or lost, and not mended; also those that are deleted,
  /// which may be open still.
  Set<String> damaged() {
    return damaged;
  }

  /// Notes that a file was damaged, or lost.
  void noteDamage(Path file) {
    damaged.add(file.toString());
    everDamaged.add(file.toString());
  }

  /// Where a layer of a timeline has its file.
  Path layer(ModelTimeline model, String file) {
    return disk.root()
        .resolve("data/tenants")
        .resolve(TENANT.toString())
        .resolve("timelines")
        .resolve(model.id().toString())
        .resolve(file);
  }

  /// Whether a message names an object that is damaged, or that is not in the store or not whole
  /// there because the file is damaged.
  boolean namesDamagedObject(String message) {
    return cloud != null && (cloud.bucket().namesDamaged(message) || namesObject(damaged, message));
  }

  /// The same, also of what was damaged once.
  boolean namesEverDamaged(String message) {
    return everDamaged.stream().anyMatch(message::contains)
        || (cloud != null
            && (cloud.bucket().namesEverDamaged(message) || namesObject(everDamaged, message)));
  }

  private static boolean namesObject(Set<String> files, String message) {
    return files.stream().anyMatch(file -> message.contains(object(file)));
  }

  /// What the name of the object of a layer file begins with.
  private static String object(String file) {
    return file.substring(file.indexOf("tenants/")) + "-";
  }

  /// Those that are or were.
  Set<String> everDamaged() {
    return everDamaged;
  }

  /// Has a timeline kept readable as of an LSN.
  void hold(ModelTimeline model, long lsn) {
    holds.add(new Held(model, lsn, real(model).hold(new Lsn(lsn))));
  }

  void closeHolds(ModelTimeline model) {
    holds.removeIf(held -> {
      boolean same = held.model == model;
      if (same) {
        held.hold.close();
      }
      return same;
    });
  }

  /// LSNs that stay readable, whatever the cutoff.
  List<Long> kept(ModelTimeline model) {
    var kept = new ArrayList<>(model.leased(now()));
    for (Held held : holds) {
      if (held.model == model) {
        kept.add(held.lsn);
      }
    }
    return kept;
  }

  void closeWriters() {
    writers.values().forEach(Ingest::close);
    writers.clear();
  }

  /// What a process that ends forgets.
  void forgetUsers() {
    holds.clear();
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
            || (failure instanceof PageserverException.Unavailable
                && DiskFault.isNamedBy(failure.getMessage()));
    if (!expected) {
      throw failure;
    }
    history.note("  fails:", failure.getMessage());
  }
}
