package dev.varve.timeline;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;

import dev.varve.layer.CorruptLayerException;
import dev.varve.layer.CorruptObjectException;
import dev.varve.layer.FileLayer;
import dev.varve.layer.RemoteLayer;
import dev.varve.layer.UnreachableLayerException;
import dev.varve.layer.UnreadableLayerException;
import dev.varve.remote.StoreException;
import dev.varve.task.Backoff;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/// Which layer files of a timeline are damaged, and which objects of layers whose files are not
/// here are damaged or missing, as far as anybody has noticed: when it was loaded, or when a read
/// met one. It only tells; a read tries a file whatever is noted here. Any thread may call any
/// method.
///
/// What is well again, because it was put back or the disk recovered, is taken out by {@link
/// #lookAgain}; what the timeline no longer has, because it was merged or collected, as well. A
/// file that stays damaged is fetched from the object store, if that has the layer ({@link
/// Downloads}).
final class DamagedFiles {

  private static final System.Logger LOG = System.getLogger(DamagedFiles.class.getName());

  /// Looking reads the whole file.
  private static final Backoff LOOKS = new Backoff(Duration.ofSeconds(15), Duration.ofHours(1));

  /// @param isObject whether it is the layer's object that is damaged or missing, and its file is
  ///   not here
  private record Noted(DamagedFile file, boolean isObject, int looks, Instant nextLook) {

    Noted after(String finding, InstantSource clock) {
      var again = new DamagedFile(file.file(), finding, file.since());
      Instant next = clock.instant().plus(LOOKS.delay(looks + 1));
      return new Noted(again, isObject, looks + 1, next);
    }
  }

  private final TimelineFiles files;
  private final InstantSource clock;

  /// By file name.
  private final Map<String, Noted> noted = new ConcurrentSkipListMap<>();

  DamagedFiles(TimelineFiles files, InstantSource clock) {
    this.files = files;
    this.clock = clock;
  }

  List<DamagedFile> list() {
    return noted.values().stream().map(Noted::file).toList();
  }

  boolean has(LayerEntry layer) {
    return noted.containsKey(layer.name().fileName());
  }

  boolean isEmpty() {
    return noted.isEmpty();
  }

  /// Notes the file that a failure of reading is about, if it is one of this timeline.
  void note(Exception failure) {
    switch (failure) {
      case CorruptLayerException e ->
          note(e.file(), "is damaged at byte " + e.offset() + ": " + e.finding());
      case UnreadableLayerException e -> note(e.file(), "can't be read: " + reason(e));
      case NoSuchFileException e -> note(files.directory().resolve(e.getFile()), "is missing");
      case CorruptObjectException e ->
          noteObject(
              e.layer(),
              "its object %s is damaged at byte %d: %s"
                  .formatted(e.object(), e.offset(), e.finding()));
      case UnreachableLayerException e -> {
        if (isMissing(e)) {
          noteObject(e.layer(), "its object " + e.object() + " is missing");
        }
      }
      default -> {}
    }
  }

  private static boolean isMissing(UnreachableLayerException failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (at instanceof StoreException.NotFound) {
        return true;
      }
    }
    return false;
  }

  private void noteObject(RemoteLayer layer, String finding) {
    if (files.directory().endsWith(layer.owner().timeline().toString())) {
      note(files.layer(layer.name()), "is not here, and " + finding, true);
    }
  }

  private static String reason(Exception failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    return FailureText.of(cause);
  }

  void note(Path file, String finding) {
    note(file, finding, false);
  }

  private void note(Path file, String finding, boolean isObject) {
    if (!files.directory().equals(file.getParent())) {
      return;
    }
    Instant now = clock.instant();
    var damaged = new DamagedFile(file, finding, now);
    Noted before =
        noted.putIfAbsent(
            file.getFileName().toString(),
            new Noted(damaged, isObject, 1, now.plus(LOOKS.delay(1))));
    if (before == null) {
      LOG.log(ERROR, "{0}; reads that need it fail", damaged);
    }
  }

  /// Whether it is time to look at one.
  boolean isLookDue() {
    Instant now = clock.instant();
    return noted.values().stream().anyMatch(each -> !each.nextLook.isAfter(now));
  }

  /// Looks whether the files are well by now.
  ///
  /// @param map acquired, so that no file is deleted meanwhile
  /// @param all also at those that were looked at a short while ago, and whether others are there
  /// @return layers whose files should be here, were looked at, and are damaged
  List<LayerEntry> lookAgain(LayerMap map, boolean all) {
    var damaged = new ArrayList<LayerEntry>();
    Map<String, HistoricLayer> layers = new HashMap<>();
    map.historic().forEach(layer -> layers.put(layer.entry().name().fileName(), layer));
    Instant now = clock.instant();
    for (Map.Entry<String, Noted> each : noted.entrySet()) {
      if (all || !each.getValue().nextLook.isAfter(now)) {
        HistoricLayer layer = layers.get(each.getKey());
        look(each.getKey(), each.getValue(), layer);
        Noted still = noted.get(each.getKey());
        if (layer != null && still != null && !still.isObject) {
          damaged.add(layer.entry());
        }
      }
    }
    if (all) {
      map.historic().forEach(this::lookFor);
    }
    return damaged;
  }

  /// Looks whether a layer's file, which was replaced, is well.
  ///
  /// @param layer with a reference
  void lookAt(HistoricLayer layer) {
    String name = layer.entry().name().fileName();
    Noted before = noted.get(name);
    if (before != null) {
      look(name, before, layer);
    }
  }

  private void look(String name, Noted before, @Nullable HistoricLayer layer) {
    if (layer == null || isElsewhere(layer) != before.isObject) {
      noted.remove(name, before);
      return;
    }
    String finding;
    try {
      finding = before.isObject ? findDamageOfObject(layer) : findDamageOfFile(layer);
      if (isElsewhere(layer) != before.isObject) { // since a moment ago
        noted.remove(name, before);
        return;
      }
      if (finding == null) {
        noted.remove(name, before);
        LOG.log(INFO, "layer file {0} is well again", before.file.file());
        return;
      }
    } catch (IOException e) {
      finding = "can't be read: " + FailureText.of(e);
    }
    noted.replace(name, before, before.after(finding, clock));
  }

  private @Nullable String findDamageOfFile(HistoricLayer layer) throws IOException {
    String finding = files.findDamageWithin(layer.entry());
    if (finding == null && layer.layer() instanceof FileLayer file && !isElsewhere(layer)) {
      file.reopen();
    }
    return finding;
  }

  private static @Nullable String findDamageOfObject(HistoricLayer layer) throws IOException {
    if (layer.layer() instanceof FileLayer file) {
      file.verify();
    }
    return null;
  }

  /// Whether there should be no file.
  private static boolean isElsewhere(HistoricLayer layer) {
    return layer.layer() instanceof FileLayer file && file.residency().isRemote();
  }

  private void lookFor(HistoricLayer layer) {
    Path file = files.layer(layer.entry().name());
    try {
      String finding = files.findDamage(layer.entry());
      if (finding != null && !isElsewhere(layer)) {
        note(file, finding);
      }
    } catch (IOException e) {
      note(file, "can't be looked at: " + FailureText.of(e));
    }
  }
}
