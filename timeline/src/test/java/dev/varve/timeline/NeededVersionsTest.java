package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.layer.LayerCursor;
import dev.varve.layer.LayerOwner;
import dev.varve.layer.MemoryBudget;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.WrittenLayers.Version;
import dev.varve.timeline.WrittenLayers.Versions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a merge keeps of random histories, compared with a definition that is simple and slow.
class NeededVersionsTest {

  private static final Logger LOG = Logger.getLogger("dev.varve");
  private static final long LAST = 400;

  /// As of this LSN on nobody asks for keys of this relation.
  private static final int DROPPED = 16388;

  private static final long DROPPED_AT = 100;

  private static final KeyRules RULES =
      new KeyRules() {
        @Override
        public boolean isPage(Key key) {
          return key.kind() == 0;
        }

        @Override
        public Verdict verdict(Timeline timeline, Key key, Lsn lsn) {
          return verdictOf(key, lsn);
        }
      };

  @TempDir Path folder;
  private final MemorySegment page = Arena.ofAuto().allocate(8192);
  private final PageBuilder builder = new PageBuilder(new ChainMemory(48 << 20));
  private final TaskManager tasks =
      new TaskManager(new RealThreads(InstantSource.system(), 1), Duration.ofSeconds(10));
  private WrittenLayers layers;
  private Shared shared;
  private DurableIndex index;

  @BeforeEach
  void open() throws IOException {
    LOG.setLevel(Level.OFF); // chains without a beginning are what some histories are made of
    layers = new WrittenLayers(folder);
    shared =
        new Shared(
            tasks,
            Fixture.settings(1 << 20, 1 << 18),
            new MemoryBudget(1 << 20),
            layers.files,
            new DataModel(_ -> new HashRedo(), CommitClock.NONE, RULES),
            ConcurrentHashMap.newKeySet(),
            new PageCache(0),
            new PageBuilders(),
            new BatchBuffers(1 << 20),
            new Signal(),
            new TenantRecords(new TenantFiles(folder)),
            null);
    Path merged = folder.resolve("merged");
    Files.createDirectory(merged);
    var empty = new IndexPart(Lsn.ZERO, Lsn.ZERO, true, List.of());
    var directory = new TimelineFiles(merged);
    directory.writeIndex(empty);
    LayerOwner owner = WrittenLayers.OWNER;
    var key = new TimelineKey(owner.tenant(), owner.timeline());
    index = new DurableIndex(directory, "merged", key, empty.head(), shared);
  }

  @AfterEach
  void close() {
    tasks.close();
  }

  private static boolean isDropped(Key key, long lsn) {
    return key.relation() == DROPPED && lsn >= DROPPED_AT;
  }

  private static Version random(SplittableRandom random, boolean value, long lsn) {
    if (value) {
      int length = random.nextInt(3) * random.nextInt(30);
      return new Version(true, true, MemorySegment.ofArray(new byte[length]));
    }
    return switch (random.nextInt(12)) {
      case 0 -> new Version(true, true, HashRedo.image(random.nextLong(), lsn));
      case 1 -> new Version(false, true, HashRedo.change(random.nextLong()));
      default -> new Version(false, false, HashRedo.change(random.nextLong()));
    };
  }

  private static Versions history(SplittableRandom random) {
    var all = new Versions();
    for (int i = 0; i < 40; i++) {
      boolean value = i >= 30;
      Key key = value ? Written.value(i) : new Key(0, 1663, 5, 16384 + i % 5, 0, i);
      int most = i % 10 == 0 ? 300 : i % 2 == 0 ? 20 : 4;
      long lsn = 1L + random.nextInt(60);
      for (int j = random.nextInt(most); j >= 0 && lsn <= LAST; j--) {
        all.put(key, lsn, random(random, value, lsn));
        lsn += 1 + random.nextInt(random.nextInt(8) == 0 ? 80 : 3);
      }
    }
    return all;
  }

  /// Splits versions among layers; which has which does not matter.
  private List<HistoricLayer> split(Versions all, int count, SplittableRandom random)
      throws IOException {
    var parts = new ArrayList<Versions>();
    for (int i = 0; i < count; i++) {
      parts.add(new Versions());
    }
    all.forEach((key, of) ->
        of.forEach((lsn, version) -> parts.get(random.nextInt(count)).put(key, lsn, version)));
    var written = new ArrayList<HistoricLayer>();
    for (Versions part : parts) {
      if (!part.isEmpty()) {
        written.add(layers.write(part, 1));
      }
    }
    return written;
  }

  private PageReader reader(List<HistoricLayer> files) {
    return new PageReader(
        "t",
        new LayerMaps("t", HistoricLayers.of(files), () -> {}),
        new LastRecord("t", LAST),
        new Condition("t", null, new DamagedFiles(new TimelineFiles(folder), tasks.clock())),
        PageCacheView.of(new PageCache(0), () -> -1),
        null,
        0,
        new TimelineMetrics(),
        tasks);
  }

  private String read(PageReader reader, Key key, long lsn) {
    if (!RULES.isPage(key)) {
      byte[] value = reader.value(key, lsn);
      return value == null ? "none" : "value of " + value.length;
    }
    try {
      reader.page(key, new Lsn(lsn), page, builder, new HashRedo());
      return "page " + page.get(JAVA_LONG_UNALIGNED, 0);
    } catch (PageserverException.NotFound e) {
      return "none";
    } catch (PageserverException.DataCorrupted e) {
      return "nothing to begin with";
    }
  }

  private List<HistoricLayer> merge(
      List<HistoricLayer> inputs, MergePlan.@Nullable Retention retention) throws IOException {
    var plan =
        new MergePlan(
            inputs,
            LayerEntry.BOTTOM,
            Set.copyOf(inputs),
            Key.MAX,
            0,
            20_000,
            Long.MAX_VALUE,
            retention);
    var materializer =
        new Materializer(reader(inputs), new HashRedo(), RULES, shared.builders().memory());
    try (var merge =
        new Merge(
            plan, index, WrittenLayers.OWNER, shared, materializer, () -> false, () -> false)) {
      Merge.Result result = merge.run();
      assertThat(result.end()).isNull();
      merge.setCommitted();
      return result.outputs();
    }
  }

  private static Map<Key, NavigableMap<Long, Boolean>> kept(List<HistoricLayer> files)
      throws IOException {
    var kept = new TreeMap<Key, NavigableMap<Long, Boolean>>();
    try (var sources = new MergeSources(files, Set.of())) {
      while (sources.next()) {
        LayerCursor at = sources.cursor();
        kept.computeIfAbsent(Key.of(at.upper(), at.middle(), at.lower()), _ -> new TreeMap<>())
            .put(at.lsn(), at.image());
      }
    }
    return kept;
  }

  /// By definition: what the reads as of the points need, and all after the cutoff.
  private static SortedSet<Long> needed(
      Key key, NavigableMap<Long, Version> history, List<Long> points, boolean first) {
    var needed = new TreeSet<>(history.tailMap(points.getLast(), false).keySet());
    boolean later = !needed.isEmpty();
    for (int i = points.size() - 1; i >= 0; i--) {
      NavigableMap<Long, Version> before = history.headMap(points.get(i), true);
      if (before.isEmpty()) {
        continue;
      }
      boolean asked = false;
      for (long point : points.subList(i, points.size())) {
        asked |= !isDropped(key, point);
      }
      boolean newer = later || !history.tailMap(points.get(i), false).isEmpty();
      if (newer || asked) {
        needed.addAll(before.tailMap(beginning(before), true).keySet());
      }
    }
    if (first && needed.size() == 1 && !needed.first().equals(0L)) {
      long only = needed.first();
      Version version = Objects.requireNonNull(history.get(only));
      boolean tombstone = version.image() && version.bytes().byteSize() == 0;
      if (tombstone && only <= points.getLast()) {
        needed.clear();
      }
    }
    return needed;
  }

  private static KeyRules.Verdict verdictOf(Key key, Lsn lsn) {
    return new KeyRules.Verdict(isDropped(key, lsn.value()), key.next());
  }

  private static boolean isImage(NavigableMap<Long, Version> history, long lsn) {
    return Objects.requireNonNull(history.get(lsn)).image();
  }

  private static long beginning(NavigableMap<Long, Version> before) {
    for (var entry : before.descendingMap().entrySet()) {
      if (entry.getValue().initializes()) {
        return entry.getKey();
      }
    }
    return before.firstKey();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void keepsWhatIsNeededAndNoMore(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    Versions all = history(random);
    var points = new TreeSet<Long>();
    for (int i = random.nextInt(5); i >= 0; i--) {
      points.add(1L + random.nextInt((int) LAST));
    }
    boolean first = random.nextBoolean();
    List<HistoricLayer> inputs = split(all, 1 + random.nextInt(6), random);
    List<HistoricLayer> outputs =
        merge(
            inputs,
            new MergePlan.Retention(
                points.stream().map(Lsn::new).toList(), first, NeededVersionsTest::verdictOf));
    var kept = kept(outputs);
    PageReader before = reader(inputs);
    PageReader after = reader(outputs);
    long images = 0;
    for (var of : all.entrySet()) {
      Key key = of.getKey();
      SortedSet<Long> needed = needed(key, of.getValue(), List.copyOf(points), first);
      NavigableMap<Long, Boolean> left = kept.getOrDefault(key, new TreeMap<>());
      long made =
          left.entrySet().stream()
              .filter(entry -> entry.getValue() && !isImage(of.getValue(), entry.getKey()))
              .count();
      images += made;
      if (made == 0) {
        assertThat(left.keySet()).as("%s, points %s", key, points).isEqualTo(needed);
      } else {
        assertThat(needed).as("%s, points %s", key, points).containsAll(left.keySet());
        assertThat(left.size()).isLessThan(needed.size() - 14);
      }
      for (long lsn = 1; lsn <= LAST; lsn += points.contains(lsn + 1) ? 1 : 1 + random.nextInt(2)) {
        if ((points.contains(lsn) || lsn > points.last()) && !isDropped(key, lsn)) {
          assertThat(read(after, key, lsn))
              .as("%s at %d, points %s", key, lsn, points)
              .isEqualTo(read(before, key, lsn));
        }
      }
    }
    assertThat(outputs).allMatch(file -> file.entry().level() == LayerEntry.BOTTOM);
    assertThat(images).as("images made").isLessThan(all.size());
  }

  /// A chain that no image can be made of does not take memory without limit.
  @Test
  void aLongChainWithoutABeginningIsKept() throws IOException {
    var all = new Versions();
    Key key = new Key(0, 1663, 5, 16384, 0, 0);
    for (long lsn = 1; lsn <= 300; lsn++) {
      all.put(key, lsn, new Version(false, false, Arena.ofAuto().allocate(100_000)));
    }
    List<HistoricLayer> inputs = split(all, 1, new SplittableRandom(1));
    List<HistoricLayer> outputs =
        merge(
            inputs,
            new MergePlan.Retention(
                List.of(new Lsn(300)), true, (_, _) -> new KeyRules.Verdict(false, Key.MAX)));
    assertThat(kept(outputs).get(key)).hasSize(300);
  }

  /// Each read of a page holds the changes since the last image in memory, which is bounded.
  @Test
  void aVeryLongChainGetsImagesWhereverItsBytesStand() throws IOException {
    var all = new Versions();
    Key key = new Key(0, 1663, 5, 16384, 0, 0);
    all.put(key, 1, new Version(true, true, HashRedo.image(3, 1)));
    for (long lsn = 2; lsn <= 600; lsn++) {
      MemorySegment change = Arena.ofAuto().allocate(100_000);
      change.set(JAVA_LONG_UNALIGNED, 0, lsn);
      all.put(key, lsn, new Version(false, false, change));
    }
    List<HistoricLayer> inputs = split(all, 3, new SplittableRandom(1));
    assertThatThrownBy(() -> read(reader(inputs), key, 600))
        .isInstanceOf(PageserverException.Unavailable.class)
        .hasMessageContaining("do not fit into memory");
    List<HistoricLayer> outputs = merge(inputs, null);
    NavigableMap<Long, Boolean> kept = kept(outputs).getOrDefault(key, new TreeMap<>());
    assertThat(kept).hasSize(600);
    assertThat(kept.values().stream().filter(image -> image)).hasSizeGreaterThan(30);
    PageReader after = reader(outputs);
    for (long lsn = 1; lsn <= 400; lsn += 23) {
      assertThat(read(after, key, lsn)).isEqualTo(read(reader(inputs), key, lsn));
    }
    read(after, key, 600);
  }
}
