package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.Task;
import dev.varve.task.TaskBody;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// Pages of a timeline as of one LSN, read in batches before they are taken: several batches at
/// once, so that nobody waits for each page's way from the disk or the object store. Batches are
/// taken in the order in which they were begun. For one thread.
///
/// How many are under way depends on where the timeline is: from a disk a few keep the processors
/// busy, from an object store each waits for several requests. All of a server together take no
/// more buffers than their share of its memory; whoever finds none left reads batch by batch.
public final class PagesAhead implements AutoCloseable {

  /// The most pages of a batch.
  public static final int BATCH = 32;

  static final int BATCH_BYTES = BATCH * PageBuilder.PAGE_BYTES;

  private static final int AT_ONCE = 4;
  private static final int AT_ONCE_FROM_STORE = 16;

  /// A batch that is being read.
  private static final class Batch {

    private final byte[] pages;
    private final Task task;
    private volatile @Nullable RuntimeException failure;
    private volatile boolean isRead;

    Batch(byte[] pages, Timeline timeline, List<Key> keys, Lsn lsn) {
      this.pages = pages;
      String name = "read ahead in " + timeline.name();
      TaskBody body = _ -> read(timeline, keys, lsn);
      task = timeline.reader().tasks().submit(TaskSpec.once(TaskKind.SERVICE, name, body));
    }

    CompletableFuture<?> end() {
      return task.end();
    }

    void cancel() {
      task.cancel();
    }

    private void read(Timeline timeline, List<Key> keys, Lsn lsn) {
      try {
        timeline.pages(
            keys,
            lsn,
            MemorySegment.ofArray(pages),
            (int _, PageserverException e) -> {
              throw e;
            });
        isRead = true;
      } catch (RuntimeException e) {
        failure = e;
      }
    }
  }

  private final Timeline timeline;
  private final Lsn lsn;
  private final BatchBuffers buffers;
  private final TaskManager tasks;
  private final int most;
  private final Deque<Batch> begun = new ArrayDeque<>();
  private @Nullable Batch taken;

  private PagesAhead(Timeline timeline, Lsn lsn, BatchBuffers buffers, int most) {
    this.timeline = timeline;
    this.lsn = lsn;
    this.buffers = buffers;
    this.most = most;
    tasks = timeline.reader().tasks();
  }

  /// Reads nothing yet.
  public static PagesAhead of(Timeline timeline, Lsn lsn) {
    boolean isInStore = timeline.index().uploads() != null;
    return new PagesAhead(
        timeline, lsn, timeline.reads().buffers(), isInStore ? AT_ONCE_FROM_STORE : AT_ONCE);
  }

  /// Whether another batch may be begun before one is taken. When none is under way, always.
  public boolean hasRoom() {
    return begun.isEmpty() || (begun.size() < most && buffers.hasRoom());
  }

  /// Begins to read pages.
  ///
  /// @param keys at most {@link #BATCH}
  /// @throws PageserverException when the server shuts down
  public void begin(List<Key> keys) {
    if (keys.size() > BATCH) {
      throw new IllegalArgumentException(keys.size() + " pages are too many for a batch");
    }
    byte[] pages = buffers.take();
    try {
      begun.add(new Batch(pages, timeline, List.copyOf(keys), lsn));
    } catch (RejectedExecutionException e) {
      buffers.giveBack(pages);
      throw new PageserverException.Unavailable("the server shuts down", e);
    }
  }

  /// Waits for the batch that was begun first, of those that were not taken.
  ///
  /// @return its pages, as {@link Timeline#pages} writes them; until the next call
  /// @throws PageserverException what {@link Timeline#page} throws for a page that can't be read
  public byte[] take() {
    giveBack();
    Batch batch = begun.removeFirst();
    taken = batch;
    await(batch);
    RuntimeException failure = batch.failure;
    if (failure != null) {
      throw failure;
    }
    if (!batch.isRead) { // it was cancelled before it began, or the JVM is in trouble
      throw new PageserverException.Unavailable(
          "reading from timeline \""
              + timeline.name()
              + "\" ended early; the server's log says why");
    }
    return batch.pages;
  }

  private void giveBack() {
    Batch last = taken;
    if (last != null) {
      buffers.giveBack(last.pages);
      taken = null;
    }
  }

  private void await(Batch batch) {
    try {
      while (!tasks.await(batch.end(), Duration.ofMinutes(1))) {}
    } catch (InterruptedException e) {
      // It may still be written to.
      taken = null;
      giveBackAtItsEnd(batch);
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable(
          "reading from timeline \"" + timeline.name() + "\" was stopped", e);
    }
  }

  private void giveBackAtItsEnd(Batch batch) {
    CompletableFuture<?> _ = batch.end().whenComplete((_, _) -> buffers.giveBack(batch.pages));
  }

  /// Ends what is under way, without waiting for it.
  @Override
  public void close() {
    giveBack();
    for (Batch batch : begun) {
      batch.cancel();
      giveBackAtItsEnd(batch);
    }
    begun.clear();
  }
}
