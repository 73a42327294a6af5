package dev.varve.timeline;

import static java.lang.System.Logger.Level.DEBUG;

import dev.varve.layer.DeltaLayer;
import dev.varve.layer.FileLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.PageserverException;
import dev.varve.remote.generation.Generation;
import dev.varve.task.TaskKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The index part of a timeline, which changes on disk first, and the layer maps, which follow it.
/// Changes come one at a time: they are steps in the timeline's lane.
///
/// A timeline may *rest*: then the list of its layers is on disk only, and here is the head of the
/// index part. It begins so, if there are any. Whoever needs the layers wakes it: the list is read
/// again, and must be what the head says. A rest begins in the lane, where no change is half done,
/// and each change ends it before it does anything: so a list that is read at rest is not written
/// meanwhile.
final class DurableIndex {

  private static final System.Logger LOG = System.getLogger(DurableIndex.class.getName());

  private static final long MOST_COPIES = 0xFFFF_FFFFL;

  private final TimelineFiles files;
  private final LayerOwner owner;
  private final Shared shared;
  private final String lane;
  private final LayerMaps maps;

  /// Held while a rest begins or ends; never while waiting for the lane. Whoever comes into the
  /// middle of its own wake, as a simulation does, begins another and is the first to end it.
  private final ReentrantLock waking = new ReentrantLock();

  private volatile IndexHead head;

  private volatile @Nullable Uploads uploads;

  /// The whole index part; null: at rest. It changes in the lane, and when a rest ends.
  private volatile @Nullable IndexPart part;

  /// The number of the next layer; the index part has it as soon as that layer is in there.
  private final AtomicLong nextCopy;

  /// Whether the file on disk may be another than this: a change has failed. Of the lane.
  private boolean doubtful;

  /// @param timeline its name
  /// @param key also the name of the timeline's lane
  DurableIndex(
      TimelineFiles files, String timeline, TimelineKey key, IndexHead head, Shared shared) {
    this.files = files;
    this.owner = new LayerOwner(key.tenant(), key.id());
    this.shared = shared;
    this.head = head;
    nextCopy = new AtomicLong(head.nextCopy());
    lane = key.toString();
    boolean empty = head.layers().count() == 0;
    part = empty ? IndexPart.withoutLayers(head) : null;
    maps = new LayerMaps(timeline, empty ? HistoricLayers.NONE : null, this::wake);
  }

  IndexHead head() {
    return head;
  }

  LayerMaps maps() {
    return maps;
  }

  TimelineFiles files() {
    return files;
  }

  /// Of the tasks that change what a timeline has; one runs at a time.
  String lane() {
    return lane;
  }

  /// What a layer that is written now carries.
  Generation generation() {
    RemoteTenants remote = shared.remote();
    return remote == null ? Generation.NONE : remote.of(owner.tenant()).generation();
  }

  /// Has the object store follow from now on.
  ///
  /// @param newUploads null: there is none
  void setUploads(@Nullable Uploads newUploads) {
    uploads = newUploads;
  }

  /// What has the object store follow; null: there is none.
  @Nullable Uploads uploads() {
    return uploads;
  }

  /// The name of a new layer, which no other layer of this timeline has had in this generation, nor
  /// will have. A crash may forget that a name was given, but only of a file that no durable index
  /// part names: it is deleted at the next start, and had no object, because only what a durable
  /// index part names is uploaded.
  LayerName newName(LayerName wanted) {
    LayerName name;
    do {
      long copy = nextCopy.getAndIncrement();
      if (copy > MOST_COPIES) {
        throw new IllegalStateException("all numbers of layers are used up in " + lane);
      }
      name = wanted.withCopy((int) copy);
    } while (Files.exists(files.layer(name))); // left by an attempt that failed
    return name;
  }

  /// Lets go of the list of layers, and of their files, if nobody uses them. In the timeline's
  /// lane.
  ///
  /// @return false when somebody does, or when there is nothing to let go of
  boolean rest() {
    if (doubtful || head.layers().count() == 0) {
      return false;
    }
    saveLastAccesses();
    waking.lock();
    try {
      if (!maps.rest()) {
        return false;
      }
      part = null;
      return true;
    } finally {
      waking.unlock();
    }
  }

  /// When layers were last used is known to their objects only, which go. Who opens the files next
  /// is to know it, or layers would never grow old that are woken now and then.
  private void saveLastAccesses() {
    LayerMap map = maps.peek();
    if (shared.remote() == null || map.isAtRest()) {
      return;
    }
    map.historic()
        .forEach(file -> {
          try {
            if (file.layer() instanceof FileLayer layer) {
              layer.residency().saveLastAccess();
            }
          } catch (IOException e) {
            LOG.log(DEBUG, "it is lost when layer " + file.entry().name() + " was last used", e);
          }
        });
  }

  /// Closes all layers, each when its last reader is done.
  void close() throws InterruptedException {
    RemoteTenants remote = shared.remote();
    Downloads downloads = remote == null ? null : remote.downloads();
    if (downloads != null) {
      downloads.end(new TimelineKey(owner.tenant(), owner.timeline()));
    }
    saveLastAccesses();
    maps.close();
  }

  /// Ends a rest; one thread reads the list, others wait for it. A head that is another object is
  /// one of another list, even if it says the same.
  @SuppressWarnings("ReferenceEquality")
  private void wake() throws IOException {
    waking.lock();
    try {
      while (part == null) {
        IndexHead expected = head;
        IndexPart read = files.readIndex();
        if (part == null && head == expected) {
          if (!read.head().equals(expected)) {
            throw new UnusableFileException(
                files.directory() + " has another index part than the one that was written last");
          }
          maps.wake(read.layers().stream().map(this::open).toList());
          part = read;
        }
      }
    } finally {
      waking.unlock();
    }
  }

  /// Where there is an object store, a file that is not here is not missing.
  private HistoricLayer open(LayerEntry entry) {
    Path file = files.layer(entry.name());
    boolean stored = shared.remote() != null && !Files.exists(file);
    return new HistoricLayer(
        entry,
        switch (entry.name().kind()) {
          case DELTA ->
              stored
                  ? new DeltaLayer(shared.files(), file, entry.stored(owner))
                  : new DeltaLayer(shared.files(), file, entry.name(), owner);
          case IMAGE ->
              stored
                  ? new ImageLayer(shared.files(), file, entry.stored(owner))
                  : new ImageLayer(shared.files(), file, entry.name(), owner);
        });
  }

  /// The whole index part; in the timeline's lane, where it stays so.
  IndexPart whole() throws IOException {
    wake();
    IndexPart now = part;
    if (now == null) {
      throw new IllegalStateException("lane " + lane + " was left");
    }
    return now;
  }

  /// The same, but it does not end a rest.
  IndexPart current() throws IOException {
    IndexPart now = part;
    return now == null ? files.readIndex() : now;
  }

  /// Changes the index part.
  ///
  /// @param then done when the new one is durable, before any other change; it does not block
  /// @throws IOException when it can't be written, or not be read at the end of a rest; then
  ///   nothing has changed, but the file on disk may be the new one
  void commit(String step, UnaryOperator<IndexPart> change, Runnable then)
      throws IOException, InterruptedException {
    try {
      shared
          .tasks()
          .call(
              TaskKind.STRUCTURE,
              step,
              lane,
              () -> {
                IndexPart before = whole();
                IndexPart changed = change.apply(before);
                doubtful = true;
                files.writeIndex(changed);
                doubtful = false;
                Uploads follower = uploads;
                if (follower != null) {
                  follower.note(before, changed); // before anybody sees it, and has it uploaded
                }
                part = changed;
                head = changed.head();
                then.run();
                if (follower != null) {
                  follower.change(before, changed);
                  endDownloads(changed);
                }
                return changed;
              });
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw new IOException(FailureText.of(cause), cause);
        case RuntimeException cause -> throw cause;
        case null, default -> throw new IllegalStateException(e.getCause());
      }
    }
  }

  /// Of layers that are not needed any more.
  private void endDownloads(IndexPart changed) {
    RemoteTenants remote = shared.remote();
    Downloads downloads = remote == null ? null : remote.downloads();
    if (downloads != null) {
      downloads.retain(new TimelineKey(owner.tenant(), owner.timeline()), changed.layers());
    }
  }

  /// Changes the index part, for somebody who waits for it.
  ///
  /// @param what for a sentence that ends with "can't be made durable"
  /// @throws PageserverException.Unavailable when it can't be written, or the thread is interrupted
  void change(String what, UnaryOperator<IndexPart> change) {
    try {
      commit("commit " + what, change, () -> {});
    } catch (IOException e) {
      throw new PageserverException.Unavailable(
          what + " can't be made durable: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PageserverException.Unavailable("the commit of " + what + " was stopped");
    }
  }
}
