package dev.varve.timeline;

import static java.lang.System.Logger.Level.DEBUG;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.layer.FileLayer;
import dev.varve.layer.LayerState;
import dev.varve.layer.RemoteLayer;
import dev.varve.layer.Residency;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Urgency;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// Fetches whole layers whose files are not here, when reads have taken so many ranges of them that
/// it is worth it, or are damaged. A few at a time, when nobody waits for the store, and only as
/// far as the low water mark of the disk. Any thread may call any method.
///
/// A file comes under a temporary name. It gets its own when it is whole, by its size and checksum
/// in the index part, and synced; so whatever interrupts that, no part is ever taken for the whole.
final class Downloads {

  private static final System.Logger LOG = System.getLogger(Downloads.class.getName());

  private static final RemoteCall CALL =
      new RemoteCall(Urgency.BACKGROUND, 6, Duration.ofMinutes(10));

  private static final Backoff BACKOFF = new Backoff(Duration.ofMinutes(1), Duration.ofHours(1));

  /// Layers that may wait; more are not worth remembering: those that are hot come again.
  private static final int MOST_WAITING = 1000;

  private static final int MOST_FAILED = 10_000;

  private final DiskRoom room;
  private final CacheSettings settings;
  private final RemoteStorage storage;
  private final Map<TimelineKey, Timeline> timelines;
  private final Shared shared;
  private final LongAdder done = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder failed = new LongAdder();

  /// Guards what follows; never held while waiting.
  private final Object lock = new Object();

  private final Map<RemoteLayer, Download.Why> waiting = new LinkedHashMap<>();
  private final Map<RemoteLayer, Download> active = new LinkedHashMap<>();

  /// How often in a row a layer could not be fetched.
  private final Map<RemoteLayer, Integer> failures = new HashMap<>();

  private boolean closed;

  private final Map<Download, Task> tasks = new HashMap<>();

  /// @param timelines all of the server; a view that changes
  Downloads(
      Path data,
      CacheSettings settings,
      RemoteStorage storage,
      Map<TimelineKey, Timeline> timelines,
      Shared shared) {
    room = new DiskRoom(data, settings);
    this.settings = settings;
    this.storage = storage;
    this.timelines = timelines;
    this.shared = shared;
  }

  DiskRoom room() {
    return room;
  }

  /// How many layers were fetched.
  long done() {
    return done.sum();
  }

  /// How many bytes they had.
  long bytes() {
    return bytes.sum();
  }

  /// How often a layer could not be fetched.
  long failed() {
    return failed.sum();
  }

  /// A layer is to be fetched when there is time for it: one that is damaged however full the disk
  /// is.
  void want(RemoteLayer layer, Download.Why why) {
    synchronized (lock) {
      if (!closed
          && (settings.downloads() > 0 || why == Download.Why.DAMAGED)
          && waiting.size() < MOST_WAITING
          && !active.containsKey(layer)) {
        waiting.merge(layer, why, (before, now) -> before.compareTo(now) < 0 ? now : before);
        begin();
      }
    }
  }

  private void begin() {
    while (active.size() < Math.max(1, settings.downloads()) && !waiting.isEmpty()) {
      var first = Map.Entry.copyOf(waiting.entrySet().iterator().next());
      RemoteLayer next = first.getKey();
      waiting.remove(next);
      var download = new Download(next, first.getValue());
      String name = "download " + next.name() + " of " + key(next);
      try {
        Task task =
            shared.tasks().submit(TaskSpec.once(TaskKind.DOWNLOAD, name, _ -> run(download)));
        active.put(next, download);
        tasks.put(download, task);
      } catch (RejectedExecutionException _) {
        closed = true; // The server shuts down.
        waiting.clear();
      }
    }
  }

  private static TimelineKey key(RemoteLayer layer) {
    return new TimelineKey(layer.owner().tenant(), layer.owner().timeline());
  }

  private void run(Download download) throws IOException, InterruptedException {
    try {
      lookAndFetch(download);
    } finally {
      end(download);
    }
  }

  private void end(Download download) {
    synchronized (lock) {
      active.remove(download.layer, download);
      tasks.remove(download);
      begin();
    }
  }

  /// The index part of a timeline has changed: layers that it does not name are not needed.
  void retain(TimelineKey timeline, List<LayerEntry> layers) {
    List<Download> concerned = activeOf(timeline);
    if (concerned.isEmpty()) {
      return;
    }
    var named = new HashSet<RemoteLayer>();
    for (Download download : concerned) {
      layers.forEach(entry -> named.add(entry.stored(download.layer.owner())));
    }
    for (Download download : concerned) {
      if (!named.contains(download.layer)) {
        download.cancel();
      }
    }
  }

  private List<Download> activeOf(TimelineKey timeline) {
    synchronized (lock) {
      return active.values().stream().filter(one -> key(one.layer).equals(timeline)).toList();
    }
  }

  /// Ends what goes on for a timeline that is being closed.
  void end(TimelineKey timeline) throws InterruptedException {
    var ending = new HashMap<Download, Task>();
    synchronized (lock) {
      waiting.keySet().removeIf(layer -> key(layer).equals(timeline));
      tasks.forEach((download, task) -> {
        if (key(download.layer).equals(timeline)) {
          ending.put(download, task);
        }
      });
    }
    end(ending);
  }

  private void end(Map<Download, Task> ending) throws InterruptedException {
    for (var each : ending.entrySet()) {
      each.getKey().cancelled = true;
      each.getValue().cancel();
    }
    for (var each : ending.entrySet()) {
      while (!shared.tasks().await(each.getValue().end(), Duration.ofMinutes(1))) {}
      end(each.getKey()); // It may have been cancelled before it began.
    }
  }

  void close() throws InterruptedException {
    Map<Download, Task> ending;
    synchronized (lock) {
      closed = true;
      waiting.clear();
      ending = Map.copyOf(tasks);
    }
    end(ending);
  }

  private void lookAndFetch(Download download) throws IOException, InterruptedException {
    Timeline timeline = timelines.get(key(download.layer));
    if (timeline == null
        || timeline.condition().isLost()
        || timeline.condition().isEnding()
        || (download.why == Download.Why.HOT && timeline.index().maps().peek().isAtRest())) {
      return; // Nobody reads it any more.
    }
    LayerMaps maps = timeline.index().maps();
    maps.stayAwake(); // else another object could be the layer before the file is here
    try {
      HistoricLayer file = find(maps, download.layer);
      if (file != null) {
        try {
          if (download.why == Download.Why.DAMAGED) {
            replace(download, timeline, file);
          } else if (mayFetch(file, download.layer)) {
            fetch(download, timeline.index().files(), file);
          }
        } finally {
          file.layer().release();
        }
      }
    } finally {
      maps.mayRest();
    }
  }

  /// @return with a reference; null: the timeline has no such layer any more
  private static @Nullable HistoricLayer find(LayerMaps maps, RemoteLayer layer)
      throws IOException {
    LayerMap map = maps.acquire();
    try {
      var found = new ArrayList<HistoricLayer>();
      map.historic()
          .forEach(file -> {
            if (file.entry().stored(layer.owner()).equals(layer)) {
              found.add(file);
            }
          });
      return !found.isEmpty() && found.getFirst().layer().acquire() ? found.getFirst() : null;
    } finally {
      map.release();
    }
  }

  private boolean mayFetch(HistoricLayer file, RemoteLayer layer) throws IOException {
    if (file.layer() instanceof FileLayer here
        && here.residency().state() instanceof LayerState.Failed(_, _, Instant until)
        && now().isBefore(until)) {
      return false;
    }
    return room.hasRoom(layer.bytes());
  }

  private Instant now() {
    return shared.tasks().clock().instant();
  }

  private void fetch(Download download, TimelineFiles files, HistoricLayer file)
      throws IOException, InterruptedException {
    if (!(file.layer() instanceof FileLayer layer) || !layer.residency().beginDownload()) {
      return;
    }
    Residency residency = layer.residency();
    Path temporary = files.temporary("download");
    String failure = "the download was stopped";
    boolean here = false;
    try {
      write(download, file.entry(), temporary);
      files.arrive(temporary, file.entry().name());
      residency.makeResident();
      here = true;
      noteSuccess(download.layer);
    } catch (IOException | RuntimeException e) {
      failure = FailureText.of(e);
      if (!download.cancelled) {
        LOG.log(
            WARNING,
            "layer {0} can''t be fetched, which is tried again: {1}",
            file.entry().name(),
            failure);
        LOG.log(DEBUG, "why it can't be fetched", e);
        shared.noteFailure(e);
      }
    } finally {
      if (!here) {
        residency.failDownload(failure, noteFailure(download));
        Files.deleteIfExists(temporary);
      }
    }
  }

  private void replace(Download download, Timeline timeline, HistoricLayer file)
      throws IOException, InterruptedException {
    if (!(file.layer() instanceof FileLayer layer) || layer.residency().isRemote()) {
      return; // Its file went meanwhile, and is not missed.
    }
    TimelineFiles files = timeline.index().files();
    Path temporary = files.temporary("download");
    try {
      write(download, file.entry(), temporary);
      files.replace(temporary, file.entry().name());
      timeline.condition().damaged().lookAt(file);
      noteSuccess(download.layer);
      LOG.log(INFO, "layer {0} was damaged here, and came from {1}", file.entry().name(), storage);
    } catch (IOException | RuntimeException e) {
      noteFailure(download);
      LOG.log(
          WARNING,
          "layer {0} is damaged here, and can''t be fetched: {1}",
          file.entry().name(),
          FailureText.of(e));
      shared.noteFailure(e);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private void write(Download download, LayerEntry entry, Path temporary)
      throws IOException, InterruptedException {
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      download.set(channel);
      download.requireWanted();
      OptionalInt compared =
          storage.download(StoredLayers.object(download.layer), entry.bytes(), channel, CALL);
      int crc = compared.isPresent() ? compared.getAsInt() : TimelineFiles.crc(channel);
      if (channel.size() != entry.bytes() || crc != entry.crc()) {
        throw new IOException(
            "%s in %s is not what was put there: its size or checksum is wrong"
                .formatted(StoredLayers.object(download.layer), storage));
      }
      channel.force(true);
      download.requireWanted();
    } finally {
      download.set(null);
    }
  }

  private void noteSuccess(RemoteLayer layer) {
    done.increment();
    bytes.add(layer.bytes());
    synchronized (lock) {
      failures.remove(layer);
    }
  }

  /// @return when it may be tried again
  private Instant noteFailure(Download download) {
    if (download.cancelled) {
      return now();
    }
    failed.increment();
    synchronized (lock) {
      if (failures.size() >= MOST_FAILED) {
        failures.clear();
      }
      int inARow = failures.merge(download.layer, 1, Integer::sum);
      return now().plus(BACKOFF.delay(inARow));
    }
  }
}
