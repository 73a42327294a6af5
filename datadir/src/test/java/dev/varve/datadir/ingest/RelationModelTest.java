package dev.varve.datadir.ingest;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Relations that are made, written, cut, dropped and copied at random, against a map of lists; as
/// of every LSN, over restarts.
class RelationModelTest {

  private static final int DEFAULT = 1663;
  private static final int FIRST = 5;
  private static final int STEPS = 400;

  @TempDir Path folder;

  /// The marks of the blocks of each fork.
  private final Map<String, List<Integer>> model = new TreeMap<>();

  private record Moment(Lsn lsn, Map<String, List<Integer>> model) {}

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void everyMomentIsAsTheModelHadIt(long seed) throws IOException {
    var random = new SplittableRandom(seed);
    List<Moment> moments = new ArrayList<>();
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      int mark = 1;
      for (int step = 0; step < STEPS; step++) {
        long lsn = crafted.log().add(act(random, mark++));
        moments.add(new Moment(new Lsn(lsn), copyOfModel()));
        if (random.nextInt(4) == 0) {
          crafted.feed();
        }
        if (random.nextInt(100) == 0) {
          crafted.feed();
          crafted.restart();
        }
      }
      crafted.feed();
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 60; i++) {
          check(crafted, moments.get(random.nextInt(STEPS)));
        }
        check(crafted, moments.getLast());
        crafted.restart();
      }
    }
  }

  private static RelationFork fork(SplittableRandom random) {
    int forks = random.nextInt(3) == 0 ? RelationFork.FORKS : 1;
    return new RelationFork(
        DEFAULT, FIRST + random.nextInt(3), 100 + random.nextInt(3), random.nextInt(forks));
  }

  private CraftedRecord act(SplittableRandom random, int mark) {
    RelationFork fork = fork(random);
    return switch (random.nextInt(10)) {
      case 0 -> create(fork);
      case 1 -> drop(fork.withFork(0));
      case 2 -> truncate(fork.withFork(0), random.nextInt(6));
      case 3 -> copy(FIRST + random.nextInt(3), FIRST + random.nextInt(3), fork);
      default -> write(random, fork, mark);
    };
  }

  private CraftedRecord create(RelationFork fork) {
    model.putIfAbsent(fork.toString(), new ArrayList<>());
    return Records.create(fork);
  }

  private CraftedRecord drop(RelationFork relation) {
    for (int fork = 0; fork < RelationFork.FORKS; fork++) {
      model.remove(relation.withFork(fork).toString());
    }
    return Records.commitDropping(0, relation);
  }

  /// Maps of so few blocks have one page at most that stays; that of free space becomes zero, and
  /// all others are kept whole, since the marks are behind the bits.
  private CraftedRecord truncate(RelationFork relation, int blocks) {
    List<Integer> main = model.computeIfAbsent(relation.toString(), _ -> new ArrayList<>());
    cut(main, blocks);
    List<Integer> free = model.get(relation.withFork(RelationFork.FREE_SPACE_MAP).toString());
    if (free != null && free.size() > 2) {
      cut(free, blocks == 0 ? 2 : 3);
      if (blocks > 0) {
        free.set(2, 0);
      }
    }
    List<Integer> map = model.get(relation.withFork(RelationFork.VISIBILITY_MAP).toString());
    if (map != null && !map.isEmpty()) {
      cut(map, blocks == 0 ? 0 : 1);
      if (blocks > 0) {
        map.set(0, 0);
      }
    }
    return Records.truncate(relation, blocks);
  }

  private static void cut(List<Integer> blocks, int size) {
    while (blocks.size() > size) {
      blocks.removeLast();
    }
  }

  private CraftedRecord copy(int database, int template, RelationFork any) {
    if (database == template) {
      return create(any);
    }
    for (int relation = 100; relation < 103; relation++) {
      for (int fork = 0; fork < RelationFork.FORKS; fork++) {
        var source = new RelationFork(DEFAULT, template, relation, fork);
        var target = new RelationFork(DEFAULT, database, relation, fork).toString();
        List<Integer> blocks = model.get(source.toString());
        if (blocks == null) {
          model.remove(target);
        } else {
          model.put(target, new ArrayList<>(blocks));
        }
      }
    }
    return new CraftedRecord(4, 0)
        .main(16, b -> b.putInt(database).putInt(DEFAULT).putInt(template).putInt(DEFAULT));
  }

  private CraftedRecord write(SplittableRandom random, RelationFork fork, int mark) {
    var record = new CraftedRecord(0, 0xB0);
    List<Integer> blocks = model.computeIfAbsent(fork.toString(), _ -> new ArrayList<>());
    int count = random.nextInt(1, 4);
    int first = random.nextInt(8);
    for (int i = count - 1; i >= 0; i--) {
      int block = first + i * 2;
      while (blocks.size() <= block) {
        blocks.add(0);
      }
      blocks.set(block, mark + i);
      record.image(count - 1 - i, fork, block, CraftedRecord.page(mark + i));
    }
    return record;
  }

  private Map<String, List<Integer>> copyOfModel() {
    Map<String, List<Integer>> copy = new TreeMap<>();
    model.forEach((fork, blocks) -> copy.put(fork, List.copyOf(blocks)));
    return copy;
  }

  private static void check(CraftedTimeline crafted, Moment moment) {
    DataDirectory view = DataDirectory.at(crafted.timeline(), moment.lsn());
    Map<String, List<Integer>> seen = new TreeMap<>();
    for (int database = FIRST; database < FIRST + 3; database++) {
      view.forEachRelation(
          DEFAULT,
          database,
          (fork, size) -> {
            List<Integer> blocks = new ArrayList<>();
            for (int block = 0; block < size; block++) {
              blocks.add(crafted.mark(view, fork, block));
            }
            assertThat(view.blocks(fork)).isEqualTo((int) size);
            seen.put(fork.toString(), blocks);
          });
    }
    assertThat(seen).as("%s", moment.lsn()).isEqualTo(moment.model());
  }
}
