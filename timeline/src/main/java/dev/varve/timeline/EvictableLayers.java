package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.layer.FileLayer;
import dev.varve.layer.LayerName;
import dev.varve.layer.LayerOwner;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.Consumer;

/// Finds the layers of all tenants whose files may go, and evicts them. Of one task.
///
/// A file may go when the newest index part of its timeline in the store names it, and is known to
/// count ({@link UploadProgress#isSafe}). Whether that is so is asked in the timeline's lane, where
/// the layer can't be dropped meanwhile: the object of a layer that nothing names any more is
/// deleted.
///
/// Of a timeline at rest, the directory says which files there are, and when they were last used;
/// it is woken only when one of them is to go, one timeline after the other, and rests again.
final class EvictableLayers {

  private static final System.Logger LOG = System.getLogger(EvictableLayers.class.getName());

  /// More are not looked for at once, to bound what that takes of memory.
  private static final int MOST = 4096;

  /// So many files are deleted in one step of a lane, where commits wait.
  private static final int IN_ONE_STEP = 32;

  private static final Comparator<Candidate> OLDEST_FIRST =
      Comparator.comparingLong(Candidate::lastAccess)
          .thenComparing(candidate -> candidate.timeline().name())
          .thenComparing(candidate -> candidate.name().fileName());

  /// A layer that may be evicted, as far as is known.
  ///
  /// @param lastAccess in milliseconds since 1970
  record Candidate(Timeline timeline, LayerName name, long bytes, long lastAccess) {}

  private record Refused(Timeline timeline, LayerName name) {}

  /// What was freed.
  record Freed(int layers, long bytes) {

    static final Freed NOTHING = new Freed(0, 0);

    Freed plus(Freed that) {
      return new Freed(layers + that.layers, bytes + that.bytes);
    }
  }

  private final Collection<Timeline> timelines;
  private final Shared shared;

  /// Layers that could not be evicted in this run.
  private final Set<Refused> refused = new HashSet<>();

  /// Before then no layer of a timeline at rest is old enough: its files do not change.
  private final Map<Timeline, Instant> nextLooks = new HashMap<>();

  /// @param timelines all of the server; a view that changes
  EvictableLayers(Collection<Timeline> timelines, Shared shared) {
    this.timelines = timelines;
    this.shared = shared;
  }

  /// Bytes of layers that are not in the object store, and can't be evicted for that.
  long waitingBytes() {
    long sum = 0;
    for (Timeline timeline : timelines) {
      Uploads uploads = timeline.index().uploads();
      sum += uploads == null ? 0 : uploads.state().waitingBytes();
    }
    return sum;
  }

  /// Has what waits for more to be uploaded with it uploaded now.
  void askForUploads() {
    for (Timeline timeline : timelines) {
      Uploads uploads = timeline.index().uploads();
      if (uploads != null && uploads.state().waitingLayers() > 0) {
        uploads.ask();
      }
    }
  }

  /// Those that were not used for a while, or some of them if they are many.
  List<Candidate> unusedFor(Duration age, Instant now) {
    var found = new Selection(Long.MAX_VALUE);
    long latest = now.minus(age).toEpochMilli();
    nextLooks.keySet().retainAll(timelines);
    for (Timeline timeline : timelines) {
      boolean atRest = timeline.index().maps().peek().isAtRest();
      if (!atRest) {
        nextLooks.remove(timeline);
      } else if (now.isBefore(nextLooks.getOrDefault(timeline, Instant.MIN))) {
        continue;
      }
      var oldest = new long[] {now.toEpochMilli()};
      forEach(
          timeline,
          candidate -> {
            oldest[0] = Math.min(oldest[0], candidate.lastAccess);
            if (candidate.lastAccess <= latest) {
              found.add(candidate);
            }
          });
      if (atRest && mayEvict(timeline)) {
        Instant due = Instant.ofEpochMilli(oldest[0]).plus(age);
        Instant soon = now.plus(age.dividedBy(16)); // for what is not in the store yet
        nextLooks.put(timeline, due.isAfter(soon) ? due : soon);
      }
    }
    return found.oldestFirst();
  }

  /// Those that were not used for longest, as many as together have so many bytes, or fewer.
  List<Candidate> leastRecentlyUsed(long bytes) {
    var found = new Selection(bytes);
    for (Timeline timeline : timelines) {
      forEach(timeline, found::add);
    }
    return found.oldestFirst();
  }

  /// The oldest of what is added, within limits.
  private static final class Selection {
    private final PriorityQueue<Candidate> newestFirst =
        new PriorityQueue<>(OLDEST_FIRST.reversed());
    private final long wanted;
    private long bytes;

    Selection(long wanted) {
      this.wanted = wanted;
    }

    void add(Candidate candidate) {
      newestFirst.add(candidate);
      bytes += candidate.bytes;
      Candidate newest = newestFirst.element();
      while (newestFirst.size() > MOST || bytes - newest.bytes >= wanted) {
        newestFirst.remove();
        bytes -= newest.bytes;
        newest = newestFirst.element();
      }
    }

    List<Candidate> oldestFirst() {
      var all = new ArrayList<>(newestFirst);
      all.sort(OLDEST_FIRST);
      return all;
    }
  }

  /// There is room again for what could not be written.
  void retryWrites() {
    for (Timeline timeline : timelines) {
      if (timeline.state() instanceof TimelineState.Failing) {
        timeline.flush().task().hurry();
      }
    }
  }

  private static boolean mayEvict(Timeline timeline) {
    Condition condition = timeline.condition();
    Uploads uploads = timeline.index().uploads();
    return uploads != null
        && uploads.isAttached()
        && timeline.index().head().imported()
        && !condition.isBroken()
        && !condition.isEnding();
  }

  private void forEach(Timeline timeline, Consumer<Candidate> action) {
    if (!mayEvict(timeline)) {
      return;
    }
    Consumer<Candidate> unlessRefused =
        candidate -> {
          if (!refused.contains(new Refused(timeline, candidate.name))) {
            action.accept(candidate);
          }
        };
    LayerMap map = timeline.index().maps().peek();
    if (!map.isAtRest()) {
      map.historic()
          .forEach(file -> {
            LayerEntry entry = file.entry();
            if (isEvictable(timeline, file) && file.layer() instanceof FileLayer layer) {
              unlessRefused.accept(
                  new Candidate(
                      timeline, entry.name(), entry.bytes(), layer.residency().lastAccess()));
            }
          });
      return;
    }
    try {
      timeline
          .index()
          .files()
          .forEachLayer((name, file) ->
              unlessRefused.accept(
                  new Candidate(timeline, name, file.size(), file.lastModifiedTime().toMillis())));
    } catch (IOException e) {
      LOG.log(WARNING, "it is not known which layers could be evicted of " + timeline.name(), e);
    }
  }

  private static boolean isEvictable(Timeline timeline, HistoricLayer file) {
    Uploads uploads = timeline.index().uploads();
    return uploads != null
        && uploads.isSafe(file.entry())
        && file.layer() instanceof FileLayer layer
        && !layer.residency().isRemote()
        && !timeline.condition().damaged().has(file.entry());
  }

  /// Evicts what may be evicted still. What can't be is not found again in this run.
  Freed evict(List<Candidate> candidates) {
    var wanted = new LinkedHashMap<Timeline, List<Candidate>>();
    candidates.forEach(
        one -> wanted.computeIfAbsent(one.timeline, _ -> new ArrayList<>()).add(one));
    Freed freed = Freed.NOTHING;
    for (var each : wanted.entrySet()) {
      freed = freed.plus(evict(each.getKey(), each.getValue()));
    }
    return freed;
  }

  /// What could not be evicted before may be now.
  void beginRun() {
    refused.clear();
  }

  private Freed evict(Timeline timeline, List<Candidate> candidates) {
    var names = new HashSet<LayerName>();
    candidates.forEach(candidate -> names.add(candidate.name));
    names.forEach(name -> refused.add(new Refused(timeline, name)));
    var freed = new ArrayList<Freed>();
    try {
      timeline
          .upkeep()
          .glance(() -> {
            boolean more = true;
            while (more) {
              Freed some =
                  shared.inLane(
                      "evict layers of " + timeline.name(),
                      timeline.index().lane(),
                      () -> evictSome(timeline, names));
              freed.add(some);
              more = some.layers == IN_ONE_STEP;
            }
          });
    } catch (PageserverException e) {
      LOG.log(WARNING, "not all layers could be evicted that were to be: {0}", e.getMessage());
    }
    return freed.stream().reduce(Freed.NOTHING, Freed::plus);
  }

  /// @return false when that can't be noted, as on a disk that is quite full: then a layer file has
  ///   to stay, to tell that there were some
  private static boolean noteEvicted(Timeline timeline) {
    try {
      timeline.index().files().noteEvicted();
      return true;
    } catch (IOException e) {
      LOG.log(WARNING, "one layer of " + timeline.name() + " stays, for want of a file", e);
      return false;
    }
  }

  /// In the timeline's lane: the layers of the map are those of the index part.
  private static Freed evictSome(Timeline timeline, Set<LayerName> names) throws IOException {
    if (!mayEvict(timeline)) {
      return Freed.NOTHING;
    }
    LayerMap map = timeline.index().maps().acquire();
    try {
      var owner = new LayerOwner(timeline.tenant(), timeline.id());
      var files = new ArrayList<HistoricLayer>();
      map.historic()
          .forEach(file -> {
            if (names.contains(file.entry().name()) && isEvictable(timeline, file)) {
              files.add(file);
            }
          });
      if (!files.isEmpty() && !noteEvicted(timeline)) {
        files.removeFirst();
      }
      Freed freed = Freed.NOTHING;
      for (HistoricLayer file : files.subList(0, Math.min(files.size(), IN_ONE_STEP))) {
        LayerEntry entry = file.entry();
        if (file.layer() instanceof FileLayer layer
            && layer.residency().evict(entry.stored(owner))) {
          freed = freed.plus(new Freed(1, entry.bytes()));
        }
      }
      return freed;
    } finally {
      map.release();
    }
  }
}
