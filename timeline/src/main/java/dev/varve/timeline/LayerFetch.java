package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.Layer;
import dev.varve.layer.LayerKind;
import dev.varve.model.PageserverException;
import dev.varve.task.Task;
import dev.varve.task.TaskBody;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/// What a read is about to ask of layers whose files are not here, fetched at once: one after the
/// other, each layer would keep it waiting for up to three ranges.
///
/// Layers are taken newest first, down to the first image layer that has the key in its range: most
/// reads end there. The read walks over the layers as ever afterwards, and fetches by itself what
/// is still missing. Of one thread, but for the tasks that it starts and waits for.
final class LayerFetch {

  private static final int MOST_AT_ONCE = 32;

  /// After this the read goes on by itself, and meets what delays it.
  private static final Duration LIMIT = Duration.ofMinutes(1);

  /// What a read wants of layers.
  ///
  /// @param floor versions before it do not count
  /// @param end of the LSNs that count
  record Wanted(KeyRun run, long floor, long end) {

    boolean isFetchNeeded(FileLayer layer) {
      return layer.isFetchNeeded(run.upper(), run.middle(), run.lower(), floor, end);
    }

    Wanted before(long newEnd) {
      return new Wanted(run, floor, PageReader.min(end, newEnd));
    }
  }

  /// What is fetched of one layer.
  private record Part(FileLayer layer, Wanted wanted) {

    void fetch() throws IOException {
      if (layer.acquire()) { // else the read has gone on, or has failed
        try {
          KeyRun run = wanted.run;
          layer.prefetch(
              run.upper(), run.middle(), run.lower(), wanted.floor, wanted.end, run.ahead());
        } finally {
          layer.release();
        }
      }
    }
  }

  private final HeldMaps maps;
  private final List<Part> parts = new ArrayList<>();

  /// Of the parts, how many are for the key that the read is at; they come first.
  private int now;

  /// Why layers could not be read for that key.
  private final Map<FileLayer, IOException> failures = new ConcurrentHashMap<>();

  private LayerFetch(HeldMaps maps) {
    this.maps = maps;
  }

  /// Fetches for a read that has come to a layer where it would have to.
  ///
  /// @param map that the read uses
  /// @param from the layer in it that the read has come to
  /// @param held maps of a read of many keys; null: this is one key
  static LayerFetch run(
      PageReader reader, LayerMap map, Layer from, Wanted wanted, @Nullable HeldMaps held)
      throws IOException {
    try (var own = new HeldMaps(() -> List.of(wanted.run))) {
      var fetch = new LayerFetch(held == null ? own : held);
      List<KeyRun> runs = fetch.maps.runs();
      fetch.add(reader, map, from, new Wanted(runs.getFirst(), wanted.floor, wanted.end));
      fetch.now = fetch.parts.size();
      for (KeyRun next : runs.subList(1, runs.size())) {
        fetch.add(reader, map, null, new Wanted(next, 0, wanted.end));
      }
      if (fetch.parts.size() > 1) {
        fetch.run(reader.timeline(), reader.tasks());
      }
      return fetch;
    }
  }

  /// @param from where to begin; null: with the newest layer
  private void add(PageReader reader, LayerMap map, @Nullable Layer from, Wanted wanted) {
    boolean hasImages = addOf(map, from, wanted);
    PageReader at = reader;
    Wanted below = wanted;
    while (!hasImages && parts.size() < MOST_AT_ONCE) {
      PageReader ancestor = at.ancestor();
      below = below.before(PageReader.endAfter(at.branchPoint()));
      if (ancestor == null || Long.compareUnsigned(below.end, below.floor) <= 0) {
        return;
      }
      LayerMap ancestors;
      try {
        ancestors = maps.of(ancestor);
      } catch (IOException | PageserverException e) {
        return; // The read says why, if it comes there.
      }
      hasImages = addOf(ancestors, null, below);
      at = ancestor;
    }
  }

  /// @return whether one of the layers is likely to be the last that the read needs
  private boolean addOf(LayerMap map, @Nullable Layer from, Wanted wanted) {
    KeyRun run = wanted.run;
    var search = new LayerSearch();
    search.start(map.historic(), run.upper(), run.middle(), run.lower(), wanted.end);
    boolean begun = from == null;
    while (parts.size() < MOST_AT_ONCE
        && search.next()
        && Long.compareUnsigned(search.end(), wanted.floor) > 0) {
      HistoricLayer file = search.file();
      begun |= file.layer().equals(from);
      if (begun && file.layer() instanceof FileLayer layer && wanted.isFetchNeeded(layer)) {
        parts.add(new Part(layer, wanted));
      }
      if (begun && file.kind() == LayerKind.IMAGE) {
        return true;
      }
    }
    return false;
  }

  private void run(String timeline, TaskManager tasks) throws ClosedByInterruptException {
    var started = new ArrayList<Task>();
    try {
      for (int i = 0; i < parts.size(); i++) {
        Part part = parts.get(i);
        boolean isForNow = i < now;
        TaskBody body = _ -> fetch(part, isForNow);
        started.add(tasks.submit(TaskSpec.once(TaskKind.SERVICE, "fetch for " + timeline, body)));
      }
    } catch (RejectedExecutionException _) {
      // The server shuts down; the read goes on by itself.
    }
    var ends = started.stream().map(Task::end).toArray(CompletableFuture<?>[]::new);
    try {
      tasks.await(CompletableFuture.allOf(ends), LIMIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ClosedByInterruptException();
    } finally {
      started.forEach(Task::cancel); // those that are still at it
    }
  }

  /// Only whoever needs the layer fails for it.
  private void fetch(Part part, boolean isForNow) {
    try {
      part.fetch();
    } catch (ClosedByInterruptException _) {
      Thread.currentThread().interrupt(); // the read is not there any more, or fetches by itself
    } catch (IOException e) {
      if (isForNow) {
        failures.put(part.layer, e);
      }
    }
  }

  /// Whether a layer was among those that were fetched for the key that the read is at.
  boolean has(Layer layer) {
    return parts.stream().limit(now).anyMatch(part -> part.layer.equals(layer));
  }

  /// Before the read asks a layer: it is of no use to try again at once.
  ///
  /// @throws IOException why it could not be fetched
  void requireFetched(Layer layer) throws IOException {
    if (layer instanceof FileLayer file) {
      IOException failure = failures.get(file);
      if (failure != null) {
        throw failure;
      }
    }
  }
}
