package dev.varve.timeline;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;

import dev.varve.layer.CorruptLayerException;
import dev.varve.layer.DeltaLayer;
import dev.varve.layer.FileLayer;
import dev.varve.layer.ImageLayer;
import dev.varve.layer.MemoryLayer;
import dev.varve.layer.UnreadableLayerException;
import dev.varve.task.Backoff;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/// Which layer files of a timeline are damaged, as far as anybody has noticed: when it was loaded,
/// or when a read met one. It only tells; a read tries a file whatever is noted here. Any thread
/// may call any method.
///
/// A file that is well again, because it was put back or the disk recovered, is taken out by {@link
/// #lookAgain}; one that the timeline no longer has, because it was merged or collected, as well.
final class DamagedFiles {

  private static final System.Logger LOG = System.getLogger(DamagedFiles.class.getName());

  /// Looking reads the whole file.
  private static final Backoff LOOKS = new Backoff(Duration.ofSeconds(15), Duration.ofHours(1));

  private record Noted(DamagedFile file, int looks, Instant nextLook) {}

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
      default -> {}
    }
  }

  private static String reason(Exception failure) {
    Throwable cause = failure.getCause() == null ? failure : failure.getCause();
    return String.valueOf(cause.getMessage());
  }

  void note(Path file, String finding) {
    if (!files.directory().equals(file.getParent())) {
      return;
    }
    Instant now = clock.instant();
    var damaged = new DamagedFile(file, finding, now);
    Noted before =
        noted.putIfAbsent(
            file.getFileName().toString(), new Noted(damaged, 1, now.plus(LOOKS.delay(1))));
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
  /// @param all also at those that were looked at a short while ago, and whether others are there
  /// @throws IOException when the layer map can't be had
  void lookAgain(LayerMaps maps, boolean all) throws IOException {
    LayerMap map = maps.acquire(); // so that none is deleted meanwhile
    try {
      Map<String, HistoricLayer> layers = new HashMap<>();
      map.historic().forEach(layer -> layers.put(layer.entry().name().fileName(), layer));
      Instant now = clock.instant();
      for (Map.Entry<String, Noted> each : noted.entrySet()) {
        if (all || !each.getValue().nextLook.isAfter(now)) {
          look(each.getKey(), each.getValue(), layers.get(each.getKey()));
        }
      }
      if (all) {
        map.historic().forEach(this::lookFor);
      }
    } finally {
      map.release();
    }
  }

  private void look(String name, Noted before, @Nullable HistoricLayer layer) {
    if (layer == null || isElsewhere(layer)) {
      noted.remove(name, before);
      return;
    }
    String finding;
    try {
      finding = files.findDamageWithin(layer.entry());
      if (isElsewhere(layer)) { // since a moment ago
        noted.remove(name, before);
        return;
      }
      if (finding == null) {
        reopen(layer);
        noted.remove(name, before);
        LOG.log(INFO, "layer file {0} is well again", before.file.file());
        return;
      }
    } catch (IOException e) {
      finding = "can't be read: " + e.getMessage();
    }
    var file = new DamagedFile(before.file.file(), finding, before.file.since());
    int looks = before.looks + 1;
    noted.replace(name, before, new Noted(file, looks, clock.instant().plus(LOOKS.delay(looks))));
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
      note(file, "can't be looked at: " + e.getMessage());
    }
  }

  private static void reopen(HistoricLayer layer) throws IOException {
    switch (layer.layer()) {
      case DeltaLayer delta -> delta.reopen();
      case ImageLayer image -> image.reopen();
      case MemoryLayer _ -> {}
    }
  }
}
