package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.ModelTimeline.Put;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;

/// One run of {@link TimelineSimulationTest}.
final class SimulationRun {

  private static final TenantId TENANT = new TenantId(1, 2);
  private static final int FIRST_LSN = 1000;

  private final SplittableRandom random;
  private final Entries entries;
  private final TimelineSettings settings;
  private final Map<String, ModelTimeline> models = new TreeMap<>();
  private final Map<String, ModelTimeline> maybe = new HashMap<>();
  private final Map<String, Ingest> writers = new HashMap<>();
  private final MemorySegment page = Arena.ofAuto().allocate(8192);
  private SimulatedDisk disk = new SimulatedDisk();
  private SimulatedServer server;
  private int names;

  SimulationRun(long seed) throws IOException {
    random = new SplittableRandom(seed);
    entries = new Entries(random);
    long distance = 2_000L << random.nextInt(6);
    settings =
        new TimelineSettings(1 << 20, random.nextInt(1 << 20), distance, Duration.ofMinutes(10), 2)
            .withRetention(
                new RetentionSettings(
                    random.nextInt(1 << random.nextInt(1, 14)), Duration.ZERO, Duration.ofHours(1)))
            .withCompaction(
                new CompactionSettings(
                    2 + random.nextInt(3), 2 + random.nextInt(2), 2000, 4000, 0.3, 1000));
    server = new SimulatedServer(disk, random.split(), settings);
  }

  void run(int steps) throws Exception {
    createRoot();
    for (int i = 0; i < steps; i++) {
      try {
        step();
      } catch (PageserverException.Unavailable e) {
        assertThat(disk.isDead()).as(() -> e.toString()).isTrue();
      }
      if (disk.isDead()) {
        crash();
      }
      checkSome(3);
    }
    disk.heal();
    restartCleanly();
    checkSome(500);
  }

  private void step() throws Exception {
    switch (random.nextInt(40)) {
      case 0 -> createRoot();
      case 1, 2, 3 -> branch();
      case 4 -> delete();
      case 5, 6 -> checkpoint();
      case 7 -> crash();
      case 8 -> restartCleanly();
      case 9 -> disk.dieAt(random.nextInt(40));
      case 10, 11 -> disk.failAt(random.nextInt(20));
      case 12 -> closeWithinRecord();
      case 13 -> server.threads.pass(Duration.ofMinutes(random.nextInt(15)));
      case 25 -> any().ifPresentTimeline(server, Timeline::compact);
      case 26 -> collectGarbage();
      case 14 -> any().ifPresentTimeline(server, Timeline::requestFreeze);
      case 15, 16 -> load();
      case 17, 18, 19 -> server.threads.settle();
      case 20, 21, 22, 23, 24 -> server.threads.step();
      default -> ingest();
    }
  }

  /// A model and the real thing.
  private record Pick(ModelTimeline model) {
    void ifPresentTimeline(SimulatedServer server, Consumer<Timeline> action) {
      server.tenants.find(model.name).ifPresent(action);
    }
  }

  private Pick any() {
    List<ModelTimeline> all = List.copyOf(models.values());
    return new Pick(all.get(random.nextInt(all.size())));
  }

  private Timeline real(ModelTimeline model) {
    return server.tenants.find(model.name).orElseThrow(() -> new AssertionError(model.name));
  }

  private String newName() {
    return "t" + names++;
  }

  private TimelineId newId() {
    return new TimelineId(random.nextLong(), random.nextLong());
  }

  private void createRoot() {
    var model = new ModelTimeline(newId(), newName(), null, FIRST_LSN, FIRST_LSN + 8);
    try {
      Timeline timeline =
          server.tenants.createRoot(
              TENANT, model.id, model.name, 17, new Lsn(FIRST_LSN), Map.of("a", "b"));
      loadFirst(timeline, model);
      maybe.put(model.name, model);
      timeline.markImported(new Lsn(model.readableFrom));
      maybe.remove(model.name);
      model.durable = model.last();
      models.put(model.name, model);
    } catch (PageserverException.Unavailable e) {
      failed(e);
      forgetImport(model);
    }
  }

  /// What failed to be imported is deleted, or tried again to be marked.
  private void forgetImport(ModelTimeline model) {
    if (disk.isDead()) {
      return;
    }
    maybe.remove(model.name);
    server
        .tenants
        .find(model.name)
        .ifPresent(timeline -> {
          disk.heal();
          server.tenants.delete(timeline);
        });
  }

  private void loadFirst(Timeline timeline, ModelTimeline model) {
    var puts = new ArrayList<Put>();
    try (ImageLoad load = timeline.imageLoad(new Lsn(FIRST_LSN))) {
      for (int i = 0; i < Entries.PAGES / 2; i++) {
        int block = (i * 7) % Entries.PAGES;
        Put put = entries.image(Entries.pageKey(block));
        puts.add(put);
        Entries.put(load, put, FIRST_LSN);
      }
      load.finish();
    }
    model.add(new ModelTimeline.Entry(FIRST_LSN, puts, true));
    try (Ingest ingest = timeline.ingest()) {
      var record = entries.random(FIRST_LSN + 8, false);
      Entries.put(ingest, record);
      ingest.advance(record.lsn());
      model.add(record);
    }
  }

  /// An operation has failed: it was to fail, or the process is dead.
  private void failed(PageserverException e) {
    boolean expected = disk.isDead() || String.valueOf(e.getMessage()).contains("No space left");
    if (!expected) {
      throw e;
    }
  }

  private Ingest writer(ModelTimeline model) {
    return writers.computeIfAbsent(model.name, _ -> real(model).ingest());
  }

  private void ingest() {
    ModelTimeline model = any().model;
    int records = 1 + random.nextInt(30);
    for (int i = 0; i < records; i++) {
      ingestOne(model, entries.random(model.last() + 1 + random.nextInt(20), false));
    }
  }

  /// The model has it before, since a failure can come when all is in.
  private void ingestOne(ModelTimeline model, ModelTimeline.Entry record) {
    Ingest writer = writer(model);
    Entries.put(writer, record);
    model.add(record);
    writer.advance(record.lsn());
  }

  /// A record that copies pages.
  private void load() {
    ModelTimeline model = any().model;
    var record = entries.random(model.last() + 1 + random.nextInt(20), true);
    loadImages(model, record);
    model.add(record);
    writer(model).advance(record.lsn());
  }

  private void loadImages(ModelTimeline model, ModelTimeline.Entry record) {
    while (true) {
      try (ImageLoad load = real(model).imageLoad(new Lsn(record.lsn()))) {
        record.puts().forEach(put -> Entries.put(load, put, record.lsn()));
        load.finish();
        return;
      } catch (PageserverException.Unavailable e) {
        failed(e);
        if (disk.isDead()) {
          throw e;
        }
      }
    }
  }

  private void closeWithinRecord() {
    ModelTimeline model = any().model;
    Ingest writer = writer(model);
    Entries.put(writer, entries.random(model.last() + 5, false));
    writer.close();
    writers.remove(model.name);
    if (random.nextBoolean()) {
      // what was forgotten must not turn up once its LSN is reached
      ingestOne(model, entries.random(model.last() + 6, false));
      for (int block = 0; block < Entries.PAGES; block++) {
        check(model, block, model.last());
      }
      model.checkValues(real(model), model.last());
    }
  }

  private void checkpoint() {
    ModelTimeline model = any().model;
    long last = real(model).lastRecordLsn().value();
    try {
      real(model).checkpoint();
      model.durable = Math.max(model.durable, last);
      assertThat(real(model).diskConsistentLsn().value()).isGreaterThanOrEqualTo(last);
    } catch (PageserverException.Unavailable e) {
      failed(e);
    }
  }

  private void collectGarbage() {
    try {
      real(any().model).collectGarbage();
    } catch (PageserverException.Unavailable e) {
      failed(e);
    }
  }

  private void branch() {
    if (models.size() > 8) {
      return;
    }
    ModelTimeline ancestor = any().model;
    long from = real(ancestor).readableFrom().value();
    long at = from + random.nextLong(ancestor.last() - from + 1);
    var model = new ModelTimeline(newId(), newName(), ancestor, at, ancestor.readableFrom);
    maybe.put(model.name, model);
    try {
      server.tenants.branch(real(ancestor), model.id, model.name, new Lsn(at));
      models.put(model.name, model);
      maybe.remove(model.name);
    } catch (PageserverException.Unavailable e) {
      failed(e);
      assertThat(server.tenants.find(model.name)).isEmpty();
    }
  }

  private void delete() {
    ModelTimeline model = any().model;
    boolean leaf = models.values().stream().noneMatch(other -> other.ancestor == model);
    if (!leaf || models.size() < 3) {
      return;
    }
    Ingest writer = writers.remove(model.name);
    if (writer != null) {
      writer.close();
    }
    Timeline timeline = real(model);
    models.remove(model.name);
    maybe.put(model.name, model);
    try {
      server.tenants.delete(timeline);
      maybe.remove(model.name);
    } catch (PageserverException.Unavailable e) {
      failed(e);
      if (!disk.isDead()) {
        models.put(model.name, model);
        maybe.remove(model.name);
      }
    } catch (PageserverException.Conflict e) {
      models.put(model.name, model);
      maybe.remove(model.name);
      assertThat(e).hasMessageContaining("before its branches");
    }
  }

  private void crash() throws IOException {
    writers.clear();
    restart();
  }

  private void restartCleanly() throws IOException {
    disk.heal();
    writers.values().forEach(Ingest::close);
    writers.clear();
    var before = new HashMap<String, Long>();
    models.forEach((name, model) -> before.put(name, real(model).lastRecordLsn().value()));
    server.threads.pass(Duration.ofMinutes(1)); // until what failed has been tried again
    server.tenants.close();
    if (!disk.isDead()) {
      before.forEach((name, last) -> {
        ModelTimeline model = models.get(name);
        if (model != null) {
          model.durable = Math.max(model.durable, last);
        }
      });
    }
    restart();
  }

  private void restart() throws IOException {
    Thread.interrupted(); // who waited in the dead process was interrupted
    disk = disk.crash(random);
    server = new SimulatedServer(disk, random.split(), settings);
    afterRestart();
  }

  private void afterRestart() {
    maybe.forEach((name, model) -> {
      if (server.tenants.find(name).isPresent()) {
        models.put(name, model);
      }
    });
    maybe.clear();
    assertThat(server.tenants.timelines())
        .extracting(Timeline::name)
        .containsExactlyInAnyOrderElementsOf(models.keySet());
    for (ModelTimeline model : models.values()) {
      Timeline timeline = real(model);
      assertThat(timeline.state()).isEqualTo(new TimelineState.Active());
      long last = timeline.lastRecordLsn().value();
      assertThat(timeline.diskConsistentLsn().value()).isEqualTo(last);
      assertThat(last).as(model.name).isGreaterThanOrEqualTo(model.durable);
    }
    models.values().forEach(this::replay);
  }

  /// The source sends again what was not durable.
  private void replay(ModelTimeline model) {
    long last = real(model).lastRecordLsn().value();
    for (ModelTimeline.Entry record : model.records) {
      if (record.lsn() > last) {
        Ingest writer = writer(model);
        if (record.loaded()) {
          loadImages(model, record);
        } else {
          Entries.put(writer, record);
        }
        writer.advance(record.lsn());
      }
    }
  }

  private void checkSome(int count) {
    if (disk.isDead()) {
      return;
    }
    for (int i = 0; i < count; i++) {
      ModelTimeline model = any().model;
      Timeline timeline = real(model);
      assertThat(timeline.lastRecordLsn().value()).isEqualTo(model.last());
      long span = model.last() - timeline.readableFrom().value() + 1;
      long lsn = model.last() - (random.nextBoolean() ? 0 : random.nextLong(span));
      check(model, random.nextInt(Entries.PAGES), lsn);
      if (i % 3 == 0) {
        model.checkValues(timeline, lsn);
      }
    }
  }

  private void check(ModelTimeline model, int block, long lsn) {
    assertThat(model.check(real(model), Entries.pageKey(block), lsn, page)).isNull();
  }
}
