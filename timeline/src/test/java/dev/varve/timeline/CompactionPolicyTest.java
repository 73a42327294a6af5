package dev.varve.timeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.layer.BlockCache;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.LayerFiles;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.generation.Generation;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CompactionPolicyTest {

  private static final LayerFiles FILES = new LayerFiles(new BlockCache(0), 1);
  private static final LayerOwner OWNER = new LayerOwner(new TenantId(0, 1), new TimelineId(0, 2));
  private static final CompactionSettings SETTINGS =
      new CompactionSettings(4, 3, 100, 400, 0.5, 20);

  private static Key key(int number) {
    return new Key(0, 0, 0, 1, 0, number);
  }

  /// A file of 10 bytes.
  private static HistoricLayer file(int level, int first, int end, long start, long endLsn) {
    var name =
        LayerName.delta(
            new KeyRange(key(first), key(end)), new LsnRange(new Lsn(start), new Lsn(endLsn)));
    return new HistoricLayer(
        LayerEntry.of(name, 10, 0, level, Generation.NONE),
        new DeltaLayer(FILES, Path.of(name.fileName()), name, OWNER));
  }

  private static HistoricLayer flushed(long start, long end) {
    return file(0, 0, 1000, start, end);
  }

  private static CompactionPolicy policy(@Nullable Key sweep, List<HistoricLayer> layers) {
    return new CompactionPolicy(SETTINGS, layers, sweep);
  }

  private static MergePlan.Retention upTo(long cutoff) {
    return new MergePlan.Retention(
        List.of(new Lsn(cutoff)), true, (_, _) -> new KeyRules.Verdict(false, Key.MAX));
  }

  @Test
  void flushedLayersAreMergedWhenThereAreEnoughTheOldestFirst() {
    List<HistoricLayer> layers =
        new ArrayList<>(
            IntStream.range(0, 3).mapToObj(i -> flushed(10 * i + 1, 10 * i + 11)).toList());
    assertThat(policy(null, layers).flushed(Lsn.ZERO)).isNull();
    assertThat(some(policy(null, layers).flushed(Lsn.MAX)).inputs()).hasSize(3);
    for (int i = 40; i > 2; i--) {
      layers.add(flushed(10 * i + 1, 10 * i + 11));
    }
    MergePlan plan = some(policy(null, layers).flushed(Lsn.ZERO));
    assertThat(plan.level()).isEqualTo(1);
    assertThat(plan.retention()).isNull();
    assertThat(plan.inputs())
        .extracting(file -> file.layer().lsns().start().value())
        .containsExactlyElementsOf(IntStream.range(0, 16).mapToObj(i -> 10L * i + 1).toList());
  }

  @Test
  void layersOfALevelAreMergedWhereEnoughLieOverEachOther() {
    var apart = List.of(file(1, 0, 50, 1, 9), file(1, 20, 60, 9, 19), file(1, 50, 90, 1, 9));
    assertThat(policy(null, apart).stacked()).isNull();
    var deep = new ArrayList<>(apart);
    deep.add(file(2, 0, 90, 1, 5));
    deep.add(file(1, 55, 70, 20, 30));
    MergePlan plan = some(policy(null, deep).stacked());
    assertThat(plan.level()).isEqualTo(2);
    assertThat(plan.until()).isEqualTo(key(55));
    assertThat(plan.inputs()).containsExactlyInAnyOrder(apart.get(1), apart.get(2), deep.get(4));
  }

  @Test
  void filesThatAreFullOfOneKeyAreNotWrittenAgain() {
    var layers = new ArrayList<HistoricLayer>();
    for (int i = 0; i < 5; i++) {
      HistoricLayer file = file(1, 7, 8, 10 * i + 1, 10 * i + 11);
      var full = LayerEntry.of(file.entry().name(), 100, 0, 1, Generation.NONE);
      layers.add(new HistoricLayer(full, file.layer()));
    }
    assertThat(policy(null, layers).stacked()).isNull();
  }

  @Test
  void theCutoffStaysBeforeWhatWasNotMergedYet() {
    var layers = List.of(file(1, 0, 9, 1, 50), flushed(50, 60), flushed(60, 70));
    assertThat(policy(null, layers).bottomCutoff(new Lsn(40))).isEqualTo(new Lsn(40));
    assertThat(policy(null, layers).bottomCutoff(new Lsn(49))).isEqualTo(new Lsn(49));
    assertThat(policy(null, layers).bottomCutoff(new Lsn(50))).isEqualTo(new Lsn(49));
    assertThat(policy(null, layers).bottomCutoff(new Lsn(65))).isEqualTo(new Lsn(49));
  }

  @Test
  void historyIsDroppedWhenItIsWorthWhile() {
    var layers = new ArrayList<>(List.of(file(15, 0, 99, 1, 2), file(1, 0, 99, 2, 9)));
    assertThat(policy(null, layers).history(upTo(8), false)).as("10 bytes only").isNull();
    assertThat(policy(null, layers).history(upTo(8), true)).isNotNull();
    layers.add(file(1, 0, 99, 9, 19));
    assertThat(policy(null, layers).history(upTo(17), false)).as("one is not old").isNull();
    assertThat(some(policy(null, layers).history(upTo(18), false)).inputs()).hasSize(3);
    for (int i = 0; i < 4; i++) {
      layers.add(file(15, 100 + i, 101 + i, 1, 2));
    }
    assertThat(policy(null, layers).history(upTo(18), false)).as("less than half").isNull();
  }

  /// All that has versions of the keys up to the cutoff takes part, and nothing of later.
  @Test
  void aDropOfHistoryTakesInWhateverHasSome() {
    var bottom = file(15, 0, 30, 1, 2);
    var beside = file(15, 200, 300, 1, 2);
    var partly = file(1, 20, 50, 5, 40);
    var old = file(1, 40, 60, 5, 15);
    var older = file(2, 45, 90, 2, 5);
    var later = file(1, 0, 90, 40, 50);
    MergePlan plan =
        some(
            policy(null, List.of(bottom, beside, partly, old, older, later))
                .history(upTo(30), false));
    assertThat(plan.inputs()).containsExactlyInAnyOrder(bottom, beside, partly, old, older);
    assertThat(plan.level()).isEqualTo(LayerEntry.BOTTOM);
    assertThat(plan.until()).isEqualTo(key(40));
  }

  /// Were what was dropped before not to take part, a tombstone would go without what it hides.
  @Test
  void aSweepThatMeetsALayerFromBeforeItTakesInWhatItLeft() {
    var left = file(15, 0, 50, 1, 9);
    var right =
        new HistoricLayer(
            file(1, 0, 90, 1, 9).entry().withFrom(key(50)), file(1, 0, 90, 1, 9).layer());
    var over = file(1, 0, 99, 9, 19);
    MergePlan plan = some(policy(key(50), List.of(left, right, over)).history(upTo(30), false));
    assertThat(plan.inputs()).containsExactlyInAnyOrder(left, right, over);
  }

  private static MergePlan some(@Nullable MergePlan plan) {
    return Objects.requireNonNull(plan);
  }
}
