package dev.varve.timeline;

import static java.lang.System.Logger.Level.INFO;

import dev.varve.layer.Compression;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.DeltaLayerWriter;
import dev.varve.layer.FinishedLayer;
import dev.varve.layer.LayerCursor;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Writes frozen layers to delta layer files, oldest first, and then says in the index part up to
/// where all is on disk.
///
/// A task that runs when it is woken. When it fails, the timeline says so in its state, nothing has
/// advanced, and the task runs again after a while, until it works.
final class Flush {

  private static final System.Logger LOG = System.getLogger(Flush.class.getName());

  private static final Backoff BACKOFF =
      new Backoff(Duration.ofMillis(200), Duration.ofSeconds(15));

  private final Timeline timeline;
  private final DurableIndex index;
  private final LayerMaps maps;
  private final OpenLayer open;
  private final Shared shared;
  private final Task task;

  /// A file that is written but not yet in the index part. Of the task.
  private @Nullable Written written;

  /// The name of the file that is to be written. Of the task.
  private @Nullable Named named;

  /// Whether there are layers that compaction was not told of. Of the task.
  private boolean hasFlushed;

  private volatile double nanosPerByte;

  private record Written(FrozenLayer of, @Nullable HistoricLayer file) {}

  private record Named(FrozenLayer of, LayerName name) {}

  Flush(Timeline timeline, DurableIndex index, LayerMaps maps, OpenLayer open, Shared shared) {
    this.timeline = timeline;
    this.index = index;
    this.maps = maps;
    this.open = open;
    this.shared = shared;
    task =
        shared
            .tasks()
            .submit(
                TaskSpec.onDemand(TaskKind.FLUSH, "flush " + timeline.name(), BACKOFF, _ -> run()));
  }

  void wake() {
    task.wake();
  }

  Task task() {
    return task;
  }

  /// Waits until the task has ended, which was cancelled, and lets go of what it has.
  void close() throws InterruptedException {
    while (!shared.tasks().await(task.end(), Duration.ofMinutes(1))) {}
    Written left = written;
    if (left != null && left.file() != null) {
      left.file().layer().close();
    }
  }

  private void run() throws IOException, InterruptedException {
    try {
      FrozenLayer oldest = maps.peek().oldestFrozen();
      while (oldest != null && !task.isCancelled()) {
        commit(write(oldest));
        oldest = maps.peek().oldestFrozen();
      }
      if (!task.isCancelled()) {
        commitEmptyRecords();
      }
      noteSuccess();
      if (hasFlushed) {
        hasFlushed = false;
        timeline.compaction().wake();
      }
    } catch (IOException | RuntimeException e) {
      shared.noteFailure(e);
      timeline
          .condition()
          .setFailing(
              "new data of timeline \"%s\" can't be written, which is tried again: %s"
                  .formatted(timeline.name(), FailureText.of(e)));
      throw e;
    } finally {
      shared.progress().fire();
    }
  }

  private void noteSuccess() {
    if (timeline.condition().failing() != null) {
      LOG.log(INFO, "timeline \"{0}\" makes data durable again", timeline.name());
      timeline.condition().setFailing(null);
    }
  }

  private Written write(FrozenLayer frozen) throws IOException {
    Written before = written;
    if (before != null && before.of().equals(frozen)) {
      return before; // the file is there; only the index part could not be written
    }
    Instant begin = shared.tasks().clock().instant();
    var result = new Written(frozen, writeFile(frozen));
    written = result;
    measure(frozen, Duration.between(begin, shared.tasks().clock().instant()));
    return result;
  }

  private void measure(FrozenLayer frozen, Duration taken) {
    double latest = (double) Math.max(0, taken.toNanos()) / Math.max(1, frozen.layer().bytes());
    nanosPerByte = nanosPerByte == 0 ? latest : (nanosPerByte + latest) / 2;
  }

  /// What a flush takes of late for a byte of a frozen layer; 0: not known yet.
  double nanosPerByte() {
    return nanosPerByte;
  }

  /// @return null when the layer has nothing that counts
  private @Nullable HistoricLayer writeFile(FrozenLayer frozen) throws IOException {
    TimelineFiles files = index.files();
    LayerOwner owner = new LayerOwner(timeline.tenant(), timeline.id());
    LayerName name = name(frozen);
    Files.deleteIfExists(files.layer(name)); // of a run that failed before the index part named it
    FinishedLayer finished;
    try (var writer = new DeltaLayerWriter(files.temporary("flush"), owner, Compression.LZ4);
        LayerCursor cursor = frozen.layer().cursor(KeyRange.ALL)) {
      boolean any = false;
      while (cursor.next()) {
        if (Long.compareUnsigned(cursor.lsn(), frozen.end()) < 0) {
          any = true;
          add(writer, cursor);
        }
      }
      if (!any) {
        return null;
      }
      finished = writer.finish(name.keys(), name.lsns()).withCopy(name.copy());
    }
    var path = files.commit(finished);
    timeline.metrics().bytesFlushed.add(finished.size());
    return new HistoricLayer(
        LayerEntry.of(name, finished.size(), finished.crc(), 0, index.generation()),
        new DeltaLayer(shared.files(), path, name, owner));
  }

  /// One name for all attempts, so that they leave one file at most.
  private LayerName name(FrozenLayer frozen) {
    Named before = named;
    if (before != null && before.of().equals(frozen)) {
      return before.name();
    }
    var lsns = new LsnRange(frozen.layer().lsns().start(), new Lsn(frozen.end()));
    LayerName name = index.newName(LayerName.delta(KeyRange.ALL, lsns));
    named = new Named(frozen, name);
    return name;
  }

  private static void add(DeltaLayerWriter writer, LayerCursor cursor) throws IOException {
    writer.add(
        cursor.upper(),
        cursor.middle(),
        cursor.lower(),
        cursor.lsn(),
        cursor.image(),
        cursor.initializes(),
        cursor.memory(),
        cursor.offset(),
        cursor.length());
  }

  private void commit(Written flushed) throws IOException, InterruptedException {
    HistoricLayer file = flushed.file();
    List<HistoricLayer> files = file == null ? List.of() : List.of(file);
    Lsn end = new Lsn(flushed.of().end() - 1);
    index.commit(
        "commit flush of " + timeline.name(),
        part -> part.withFlushed(end, files.stream().map(HistoricLayer::entry).toList()),
        () -> {
          noteSuccess(); // before anybody sees that the layer is flushed
          maps.add(
              map -> map.withFlushed(flushed.of(), files), files, List.of(flushed.of().layer()));
        });
    written = null;
    hasFlushed = true;
    shared.progress().fire();
  }

  /// Records that put nothing are durable without a layer.
  private void commitEmptyRecords() throws IOException, InterruptedException {
    Lsn upTo = new Lsn(open.start() - 1);
    if (maps.peek().oldestFrozen() == null && upTo.isAfter(index.head().diskConsistentLsn())) {
      index.commit(
          "commit flush of " + timeline.name(),
          part -> part.withFlushed(upTo, List.of()),
          () -> {});
    }
  }
}
