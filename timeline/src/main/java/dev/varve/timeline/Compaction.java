package dev.varve.timeline;

import static java.lang.System.Logger.Level.DEBUG;

import dev.varve.layer.DeltaLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerOwner;
import dev.varve.layer.MemoryLayer;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Merges a timeline's layers, as {@link CompactionPolicy} says, until nothing is left to do.
///
/// A task that runs when it is woken: by a flush, or by the GC cutoff. The merge itself runs beside
/// all else; only its commit is a step in the timeline's lane. Before each slice the policy is
/// asked anew, and a slice ends early when flushed layers pile up.
///
/// When it fails it backs off. After {@value #BREAKER_FAILURES} failures in a row the breaker
/// opens: nothing is merged for an hour, since each attempt may write a lot for nothing. Ingest,
/// flush and reads go on.
final class Compaction {

  private static final System.Logger LOG = System.getLogger(Compaction.class.getName());

  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(1));

  private static final int BREAKER_FAILURES = 5;
  private static final Duration BREAKER_OPEN = Duration.ofHours(1);

  private final Timeline timeline;
  private final DurableIndex index;
  private final LayerMaps maps;
  private final Shared shared;
  private final PageReader reader;
  private final PageRedo redo;
  private final Task task;

  /// Where the drop of history has come to. Of the task.
  private @Nullable Sweep sweep;

  /// Outputs of merges that could not be committed: the index part on disk may name them.
  private final List<HistoricLayer> doubtful = new ArrayList<>();

  /// A drop of history goes over all keys with one cutoff: were it to take in what the cutoff
  /// passes meanwhile, it would begin anew with every layer that does, and never end.
  ///
  /// @param from the first key that it has not come to
  private record Sweep(Key from, Lsn cutoff) {}

  private int failures;

  /// What was flushed up to here is merged even if it is little.
  private volatile Lsn flushedUpTo = Lsn.ZERO;

  /// Fires when a run has ended.
  private final Signal runs = new Signal();

  private volatile int excess;
  private volatile boolean everything;
  private volatile @Nullable Instant openUntil;
  private volatile @Nullable String lastFailure;

  Compaction(
      Timeline timeline, DurableIndex index, PageReader reader, PageRedo redo, Shared shared) {
    this.timeline = timeline;
    this.index = index;
    this.maps = reader.maps();
    this.shared = shared;
    this.reader = reader;
    this.redo = redo;
    task =
        shared
            .tasks()
            .submit(
                TaskSpec.onDemand(
                    TaskKind.COMPACTION, "compact " + timeline.name(), BACKOFF, _ -> run()));
  }

  void wake() {
    task.wake();
  }

  /// Has all layers merged, and all history dropped that may be, even where it is not yet worth
  /// while.
  void wakeForEverything() {
    everything = true;
    openUntil = null;
    task.wake();
  }

  /// Has what was flushed by now merged, though it may be few layers, and waits for it: for an
  /// object store, where each layer costs a request. Does without when merging is suspended, and
  /// with those that can't be merged, as they are damaged.
  void mergeFlushed(Duration limit) throws InterruptedException {
    Instant end = shared.tasks().clock().instant().plus(limit);
    flushedUpTo = index.head().diskConsistentLsn();
    int least = Integer.MAX_VALUE;
    int inVain = 0;
    while (flushedLayers() > 1 && suspended() == null && !isToEnd()) {
      inVain = flushedLayers() < least ? 0 : inVain + 1;
      least = Math.min(least, flushedLayers());
      if (inVain == 2) { // one run may have begun before it was asked for
        return;
      }
      CompletableFuture<Boolean> next = runs.next();
      task.wake();
      Duration left = Duration.between(shared.tasks().clock().instant(), end);
      if (!left.isPositive() || !shared.tasks().await(next, left)) {
        return;
      }
    }
  }

  private int flushedLayers() {
    return index.head().layers().byLevel().getFirst();
  }

  Task task() {
    return task;
  }

  /// Why nothing is merged at present, a sentence; null: nothing is in the way.
  @Nullable String suspended() {
    Instant until = openUntil;
    return until != null && shared.tasks().clock().instant().isBefore(until)
        ? "merging layers of timeline \"%s\" has failed %d times and is suspended until %s: %s"
            .formatted(timeline.name(), BREAKER_FAILURES, until, lastFailure)
        : null;
  }

  /// How many layers more than there should be lay over each other, of one level above 0, when it
  /// was last looked at what to merge.
  int excess() {
    return excess;
  }

  private void run() throws IOException, InterruptedException {
    if (suspended() != null || isToEnd()) {
      return;
    }
    boolean all = everything;
    everything = false; // who asks from now on asks for another run
    // What is flushed while this runs waits as ever: else each file would be merged by itself.
    Lsn upTo = all ? index.head().diskConsistentLsn() : flushedUpTo;
    boolean done = false;
    boolean wasAtRest = maps.peek().isAtRest();
    try {
      forgetDoubtful();
      boolean more = true;
      while (more && !isToEnd()) {
        more = step(all, upTo);
      }
      if (wasAtRest && !isToEnd()) {
        timeline.upkeep().rest();
      }
      done = true;
      failures = 0;
    } catch (PageserverException.Unavailable e) {
      if (!isToEnd()) {
        noteFailure(e);
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      noteFailure(e);
      throw e;
    } finally {
      if (all && !done) {
        everything = true;
      }
      runs.fire();
    }
  }

  /// Has the index part on disk name what it should, and deletes what it then can't name.
  private void forgetDoubtful() throws IOException, InterruptedException {
    if (doubtful.isEmpty()) {
      return;
    }
    index.commit("commit layers of " + timeline.name(), part -> part, () -> {});
    for (HistoricLayer file : doubtful) {
      deleteWhenReleased(file.layer());
      file.layer().close();
    }
    doubtful.clear();
  }

  /// Waits until the task has ended, which was cancelled, and lets go of what it has.
  void close() throws InterruptedException {
    while (!shared.tasks().await(task.end(), Duration.ofMinutes(1))) {}
    doubtful.forEach(file -> file.layer().close());
  }

  /// Whether the task, or the timeline, is to end, or the timeline is stopped.
  private boolean isToEnd() {
    return task.isCancelled() || !timeline.condition().isRunning();
  }

  private void noteFailure(Exception failure) {
    shared.noteFailure(failure);
    timeline.condition().damaged().note(failure);
    lastFailure = FailureText.of(failure);
    failures++;
    if (failures >= BREAKER_FAILURES) {
      failures = 0;
      openUntil = shared.tasks().clock().instant().plus(BREAKER_OPEN);
    }
  }

  /// Merges one slice. Meanwhile the timeline does not rest: the layers that it has before and
  /// after must be the same.
  ///
  /// @return false when there is nothing to do
  private boolean step(boolean all, Lsn upTo) throws IOException, InterruptedException {
    maps.stayAwake();
    try {
      MergePlan plan = plan(all, upTo);
      if (plan != null) {
        merge(plan);
      }
      return plan != null;
    } finally {
      maps.mayRest();
    }
  }

  private @Nullable MergePlan plan(boolean all, Lsn upTo) {
    List<HistoricLayer> layers = readable();
    var policy =
        new CompactionPolicy(
            shared.settings().compaction(), layers, sweep == null ? null : sweep.from());
    excess = policy.excess();
    MergePlan plan = policy.flushed(upTo);
    if (plan == null) {
      plan = history(policy, all);
    }
    if (plan == null) {
      sweep = null;
      plan = policy.stacked();
    }
    return plan;
  }

  /// Files that are known to be damaged stay as they are, and do not keep the others from merging.
  private List<HistoricLayer> readable() {
    List<HistoricLayer> all = maps.peek().historic().overlapping(KeyRange.ALL);
    DamagedFiles damaged = timeline.condition().damaged();
    return damaged.isEmpty()
        ? all
        : all.stream().filter(file -> !damaged.has(file.entry())).toList();
  }

  private @Nullable MergePlan history(CompactionPolicy policy, boolean all) {
    IndexHead part = index.head();
    // What an import has brought so far does not say yet which of it will be asked for.
    // And what is in a damaged file may be all that another one's versions begin with.
    if (!part.imported()
        || shared.unknown().contains(timeline.tenant())
        || !timeline.condition().damaged().isEmpty()) {
      return null;
    }
    // First the cutoff, then who needs what is before: a branch made after this is at the cutoff or
    // above.
    Lsn cutoff = sweep == null ? policy.bottomCutoff(part.readableFrom()) : sweep.cutoff();
    List<Lsn> points = timeline.garbage().retainedBefore(cutoff);
    points.add(cutoff);
    return policy.history(
        new MergePlan.Retention(
            points,
            timeline.ancestor().isEmpty(),
            (key, lsn) -> shared.model().keys().verdict(timeline, key, lsn)),
        all);
  }

  private void merge(MergePlan plan) throws IOException, InterruptedException {
    boolean mayWait = plan.level() > 1;
    try (var merge =
        new Merge(
            plan,
            index,
            new LayerOwner(timeline.tenant(), timeline.id()),
            shared,
            new Materializer(reader, redo, shared.model().keys(), shared.builders().memory()),
            () -> mayWait && isFlushedPilingUp(),
            this::isToEnd)) {
      Merge.Result result = merge.run();
      shared.tasks().pause();
      commit(merge, result);
      timeline.metrics().bytesRead.add(merge.bytesRead());
      timeline.metrics().bytesCompacted.add(bytes(result.outputs()));
      MergePlan.Retention retention = plan.retention();
      if (retention != null) {
        Key end = result.end();
        sweep = end == null ? null : new Sweep(end, retention.cutoff());
      }
      LOG.log(
          DEBUG,
          "timeline \"{0}\": {1} layers up to {2} merged into {3} of level {4}",
          timeline.name(),
          result.inputs().size(),
          result.end() == null ? "the last key" : result.end(),
          result.outputs().size(),
          plan.level());
    }
    shared.tasks().pause();
  }

  private static long bytes(List<HistoricLayer> files) {
    return files.stream().mapToLong(file -> file.entry().bytes()).sum();
  }

  private boolean isFlushedPilingUp() {
    int flushed = 0;
    for (HistoricLayer file : readable()) {
      flushed += CompactionPolicy.isFlushed(file) ? 1 : 0;
    }
    return flushed >= shared.settings().compaction().flushedLayers();
  }

  /// Puts the outputs in the place of what was merged, on disk first.
  private void commit(Merge merge, Merge.Result result) throws IOException, InterruptedException {
    Key end = result.end();
    var whole = new ArrayList<HistoricLayer>();
    var added = new ArrayList<>(result.outputs());
    for (HistoricLayer input : result.inputs()) {
      if (end == null || end.compareTo(input.keys().end()) >= 0) {
        whole.add(input);
      } else {
        added.add(new HistoricLayer(input.entry().withFrom(end), input.layer()));
      }
    }
    var before = result.inputs().stream().map(HistoricLayer::entry).toList();
    var after = added.stream().map(HistoricLayer::entry).toList();
    merge.setCommitted(); // when this fails, the index part on disk may be the new one
    doubtful.addAll(result.outputs());
    index.commit(
        "commit merge of " + timeline.name(),
        part -> part.withMerged(before, after),
        () -> {
          List<Layer> gone = whole.stream().map(HistoricLayer::layer).toList();
          gone.forEach(Compaction::deleteWhenReleased);
          maps.add(map -> map.withMerged(result.inputs(), added), result.outputs(), gone);
        });
    doubtful.clear();
  }

  private static void deleteWhenReleased(Layer layer) {
    switch (layer) {
      case DeltaLayer file -> file.deleteWhenReleased();
      case ImageLayer file -> file.deleteWhenReleased();
      case MemoryLayer _ -> throw new IllegalStateException(layer + " is no file");
    }
  }
}
