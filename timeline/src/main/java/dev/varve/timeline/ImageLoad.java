package dev.varve.timeline;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.layer.Compression;
import dev.varve.layer.FinishedLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.ImageLayerWriter;
import dev.varve.layer.LayerCursor;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.layer.MemoryLayer;
import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/// Takes in many images in any order, all of them as of one LSN; each key once. Of one thread at a
/// time.
///
/// Images are gathered in memory; a batch of them is sorted and becomes an image layer, while the
/// next is gathered. Layers of different batches may overlap: that one has no image of a key says
/// nothing about the others. All become part of the timeline together, in {@link #finish}.
public final class ImageLoad implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(ImageLoad.class.getName());

  private static final Duration LONG = Duration.ofHours(1);

  /// When memory is short a batch is written that has this part of its full size; smaller layers
  /// would be too many.
  private static final int SMALLEST_PART = 8;

  private final Timeline timeline;
  private final DurableIndex index;
  private final BackPressure backPressure;
  private final Shared shared;
  private final Lsn lsn;
  private final LayerOwner owner;
  private final List<HistoricLayer> written = new ArrayList<>();
  private @Nullable MemoryLayer batch;
  private @Nullable Task writing;
  private boolean ended;

  ImageLoad(
      Timeline timeline, DurableIndex index, BackPressure backPressure, Shared shared, Lsn lsn) {
    boolean first = !index.head().imported() && lsn.equals(timeline.identity().start());
    Lsn last = timeline.lastRecordLsn();
    if (!first && !lsn.isAfter(last)) {
      throw new IllegalArgumentException(
          "images as of " + lsn + " come too late for a timeline that is at " + last);
    }
    this.backPressure = backPressure;
    this.timeline = timeline;
    this.index = index;
    this.shared = shared;
    this.lsn = lsn;
    owner = new LayerOwner(timeline.tenant(), timeline.id());
  }

  /// @throws PageserverException.Unavailable when a batch can't be written; the load has failed
  ///   then
  public void image(
      long upper, long middle, long lower, MemorySegment bytes, long offset, int length) {
    if (ended) {
      throw new IllegalStateException("this load has ended");
    }
    MemoryLayer target = batch;
    if (target == null) {
      target = new MemoryLayer(lsn.value(), shared.budget());
      batch = target;
    }
    target.put(upper, middle, lower, lsn.value(), true, true, bytes, offset, length);
    long size = target.bytes();
    long full = shared.settings().checkpointDistance();
    if (size >= full || (size >= full / SMALLEST_PART && !shared.budget().hasRoom())) {
      writeBatch();
    }
    backPressure.ease();
  }

  /// Makes all images durable and part of the timeline.
  ///
  /// @throws PageserverException.Unavailable when that fails; the load has failed then
  public void finish() {
    if (ended) {
      throw new IllegalStateException("this load has ended");
    }
    writeBatch();
    awaitWriting();
    ended = true; // from here on the files may be in the index part on disk
    try {
      index.commit(
          "commit images of " + timeline.name(),
          part ->
              part.withFlushed(
                  part.diskConsistentLsn(), written.stream().map(HistoricLayer::entry).toList()),
          () -> timeline.reader().maps().add(map -> map.withFiles(written), written, List.of()));
    } catch (IOException e) {
      throw failed(e);
    } catch (InterruptedException e) {
      throw stopped();
    }
  }

  private void writeBatch() {
    awaitWriting();
    timeline.condition().requireUsable();
    MemoryLayer full = batch;
    if (full != null) {
      batch = null;
      full.freeze(lsn.value() + 1);
      writing =
          shared
              .tasks()
              .submit(
                  TaskSpec.once(
                      TaskKind.FLUSH, "write images of " + timeline.name(), _ -> write(full)));
    }
  }

  private void awaitWriting() {
    Task task = writing;
    if (task == null) {
      return;
    }
    try {
      while (!shared.tasks().await(task.end(), LONG)) {}
      writing = null;
      task.end().get();
    } catch (ExecutionException e) {
      throw failed(e.getCause() == null ? e : e.getCause());
    } catch (InterruptedException e) {
      throw stopped();
    }
  }

  private PageserverException failed(Throwable cause) {
    shared.noteFailure(cause);
    return new PageserverException.Unavailable(
        "images of timeline \"" + timeline.name() + "\" can't be written: " + cause.getMessage(),
        cause);
  }

  private PageserverException stopped() {
    Thread.currentThread().interrupt();
    return new PageserverException.Unavailable(
        "the load of images into timeline \"" + timeline.name() + "\" was stopped");
  }

  /// On a thread of the task.
  private void write(MemoryLayer images) throws IOException {
    TimelineFiles files = index.files();
    FinishedLayer finished;
    LayerName name;
    try (images;
        LayerCursor cursor = images.cursor(KeyRange.ALL);
        var writer = new ImageLayerWriter(files.temporary("images"), owner, lsn, Compression.LZ4)) {
      Key first = null;
      Key last = Key.MIN;
      while (cursor.next()) {
        last = Key.of(cursor.upper(), cursor.middle(), cursor.lower());
        first = first == null ? last : first;
        writer.add(
            cursor.upper(),
            cursor.middle(),
            cursor.lower(),
            cursor.memory(),
            cursor.offset(),
            cursor.length());
      }
      // Batches may cover the same keys.
      var keys = new KeyRange(first == null ? Key.MIN : first, last.next());
      name = index.newName(LayerName.image(keys, lsn));
      finished = writer.finish(name.keys()).withCopy(name.copy());
    }
    Path path = files.commit(finished);
    written.add(
        new HistoricLayer(
            LayerEntry.of(
                name, finished.size(), finished.crc(), LayerEntry.BOTTOM, index.generation()),
            new ImageLayer(shared.files(), path, name, owner)));
  }

  /// Forgets what was not finished.
  @Override
  public void close() {
    if (batch != null) {
      batch.close();
      batch = null;
    }
    if (ended) {
      return;
    }
    ended = true;
    try {
      awaitWriting();
    } catch (PageserverException e) {
      LOG.log(DEBUG, "an abandoned load", e);
    }
    for (HistoricLayer file : written) {
      file.layer().close();
      try {
        Files.deleteIfExists(index.files().layer(file.entry().name()));
      } catch (IOException e) {
        LOG.log(WARNING, "left for the next start to delete", e);
      }
    }
  }
}
