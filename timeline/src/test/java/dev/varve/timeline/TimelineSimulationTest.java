package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.ModelTimeline.Kind;
import dev.varve.timeline.ModelTimeline.Put;
import dev.varve.timeline.ModelTimeline.Version;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random work on a few timelines, with failing operations, crashes at any of them and restarts;
/// all reads are compared with a model. The seed is the test's argument; `-Dseed=7` runs one.
class TimelineSimulationTest {

  private static final TenantId TENANT = new TenantId(1, 2);
  private static final KeyRange VALUES =
      new KeyRange(new Key(0x61, 0, 0, 0, 0, 0), new Key(0x62, 0, 0, 0, 0, 0));
  private static final int PAGES = 24;
  private static final int FIRST_LSN = 1000;

  static LongStream seeds() {
    Long seed = Long.getLong("seed");
    return seed != null ? LongStream.of(seed) : LongStream.range(0, 25);
  }

  static LongStream manySeeds() {
    return LongStream.range(1_000, 6_000);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void anyReadGivesWhatTheModelHas(long seed) throws Exception {
    new Run(seed).run(400);
  }

  @ParameterizedTest
  @Tag("nightly")
  @MethodSource("manySeeds")
  void anyReadGivesWhatTheModelHasForHours(long seed) throws Exception {
    new Run(seed).run(1500);
  }

  private static final class Run {

    private final SplittableRandom random;
    private final TimelineSettings settings;
    private final Map<String, ModelTimeline> models = new TreeMap<>();
    private final Map<String, ModelTimeline> maybe = new HashMap<>();
    private final Map<String, Ingest> writers = new HashMap<>();
    private final MemorySegment page = Arena.ofAuto().allocate(8192);
    private SimulatedDisk disk = new SimulatedDisk();
    private SimulatedServer server;
    private int names;

    Run(long seed) throws IOException {
      random = new SplittableRandom(seed);
      long distance = 2_000L << random.nextInt(6);
      settings =
          new TimelineSettings(
              1 << 20, random.nextInt(1 << 20), distance, Duration.ofMinutes(10), 2);
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
        for (int i = 0; i < PAGES / 2; i++) {
          int block = (i * 7) % PAGES;
          Put put = image(pageKey(block));
          puts.add(put);
          put(load, put, FIRST_LSN);
        }
        load.finish();
      }
      model.add(new ModelTimeline.Record(FIRST_LSN, puts, true));
      try (Ingest ingest = timeline.ingest()) {
        var record = randomRecord(model, FIRST_LSN + 8, false);
        put(ingest, record);
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

    private static Key pageKey(int block) {
      return new Key(0, 1663, 5, 16384 + block % 3, 0, block);
    }

    private Put image(Key key) {
      return new Put(key, new Version(Kind.IMAGE, random.nextLong(), new byte[0]));
    }

    private ModelTimeline.Record randomRecord(ModelTimeline model, long lsn, boolean loaded) {
      var puts = new TreeMap<Key, Put>();
      int count = random.nextInt(5);
      for (int i = 0; i < count; i++) {
        Put put = loaded ? image(pageKey(random.nextInt(PAGES))) : randomPut();
        puts.put(put.key(), put);
      }
      return new ModelTimeline.Record(lsn, List.copyOf(puts.values()), loaded);
    }

    private Put randomPut() {
      Key key = pageKey(random.nextInt(PAGES));
      return switch (random.nextInt(12)) {
        case 0 -> image(key);
        case 1 ->
            new Put(key, new Version(Kind.INITIALIZING_CHANGE, random.nextLong(), new byte[0]));
        case 2, 3, 4 -> {
          byte[] bytes = new byte[random.nextInt(3) * random.nextInt(50)];
          random.nextBytes(bytes);
          Key value = new Key(0x61, 0, 0, random.nextInt(20), 0, 0);
          yield new Put(value, new Version(Kind.VALUE, 0, bytes));
        }
        default -> new Put(key, new Version(Kind.CHANGE, random.nextLong(), new byte[0]));
      };
    }

    private static void put(Ingest ingest, ModelTimeline.Record record) {
      for (Put put : record.puts()) {
        Key key = put.key();
        Version version = put.version();
        MemorySegment bytes = bytes(put, record.lsn());
        if (version.kind() == Kind.IMAGE || version.kind() == Kind.VALUE) {
          ingest.image(key.upper(), key.middle(), key.lower(), record.lsn(), bytes, 0, size(bytes));
        } else {
          ingest.change(
              key.upper(),
              key.middle(),
              key.lower(),
              record.lsn(),
              version.kind() == Kind.INITIALIZING_CHANGE,
              bytes,
              0,
              size(bytes));
        }
      }
    }

    private static MemorySegment bytes(Put put, long lsn) {
      return switch (put.version().kind()) {
        case IMAGE -> HashRedo.image(put.version().value(), lsn);
        case VALUE -> MemorySegment.ofArray(put.version().bytes());
        case CHANGE, INITIALIZING_CHANGE -> HashRedo.change(put.version().value());
      };
    }

    private static int size(MemorySegment bytes) {
      return (int) bytes.byteSize();
    }

    private static void put(ImageLoad load, Put put, long lsn) {
      MemorySegment bytes = bytes(put, lsn);
      load.image(put.key().upper(), put.key().middle(), put.key().lower(), bytes, 0, size(bytes));
    }

    private Ingest writer(ModelTimeline model) {
      return writers.computeIfAbsent(model.name, _ -> real(model).ingest());
    }

    private void ingest() {
      ModelTimeline model = any().model;
      int records = 1 + random.nextInt(30);
      for (int i = 0; i < records; i++) {
        ingestOne(model, randomRecord(model, model.last() + 1 + random.nextInt(20), false));
      }
    }

    /// The model has it before, since a failure can come when all is in.
    private void ingestOne(ModelTimeline model, ModelTimeline.Record record) {
      Ingest writer = writer(model);
      put(writer, record);
      model.add(record);
      writer.advance(record.lsn());
    }

    /// A record that copies pages.
    private void load() {
      ModelTimeline model = any().model;
      var record = randomRecord(model, model.last() + 1 + random.nextInt(20), true);
      loadImages(model, record);
      model.add(record);
      writer(model).advance(record.lsn());
    }

    private void loadImages(ModelTimeline model, ModelTimeline.Record record) {
      while (true) {
        try (ImageLoad load = real(model).imageLoad(new Lsn(record.lsn()))) {
          record.puts().forEach(put -> put(load, put, record.lsn()));
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
      put(writer, randomRecord(model, model.last() + 5, false));
      writer.close();
      writers.remove(model.name);
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

    private void branch() {
      if (models.size() > 8) {
        return;
      }
      ModelTimeline ancestor = any().model;
      long at =
          ancestor.readableFrom + random.nextLong(ancestor.last() - ancestor.readableFrom + 1);
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
      Thread.interrupted(); // who waited in the dead process was interrupted
      writers.clear();
      disk = disk.crash(random);
      server = new SimulatedServer(disk, random.split(), settings);
      afterRestart();
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
      for (ModelTimeline.Record record : model.records) {
        if (record.lsn() > last) {
          Ingest writer = writer(model);
          if (record.loaded()) {
            loadImages(model, record);
          } else {
            put(writer, record);
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
        long span = model.last() - model.readableFrom + 1;
        long lsn = model.last() - (random.nextBoolean() ? 0 : random.nextLong(span));
        assertThat(model.check(timeline, pageKey(random.nextInt(PAGES)), lsn, page)).isNull();
        if (i % 3 == 0) {
          checkValues(model, timeline, lsn);
        }
      }
    }

    private static void checkValues(ModelTimeline model, Timeline timeline, long lsn) {
      var found = new ArrayList<String>();
      timeline.scan(
          VALUES,
          new Lsn(lsn),
          (key, value) -> found.add(key + "=" + hex(value.toArray(ValueLayout.JAVA_BYTE))));
      var expected = new ArrayList<String>();
      model.scan(VALUES, lsn).forEach((key, value) -> expected.add(key + "=" + hex(value)));
      assertThat(found).isEqualTo(expected);
      for (int i = 0; i < 3; i++) {
        Key key = new Key(0x61, 0, 0, (int) ((lsn + i) % 20), 0, 0);
        assertThat(Optional.ofNullable(timeline.value(key, new Lsn(lsn))).map(Run::hex))
            .isEqualTo(model.value(key, lsn).map(Run::hex));
        var lsns = new ArrayList<Long>();
        long from = lsn / 2;
        timeline.history(key, new Lsn(from), new Lsn(lsn), (at, _) -> lsns.add(at));
        assertThat(lsns)
            .containsExactlyElementsOf(model.history(key, lsn).tailMap(from, true).keySet());
      }
    }

    private static String hex(byte[] bytes) {
      return HexFormat.of().formatHex(bytes);
    }
  }
}
