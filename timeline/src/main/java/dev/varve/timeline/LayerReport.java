package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.LayerKind;
import dev.varve.layer.LayerState;
import dev.varve.model.LsnRange;
import dev.varve.model.PageserverException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// A layer of a timeline, and where its bytes are, at one moment.
///
/// @param file the name of its file
/// @param kind delta or image
/// @param level as the index part has it: 0 is flushed and not merged yet
/// @param bytes the file's size
/// @param lsns of its versions
/// @param state `resident`, `evicted`, `downloading` or `failed`
/// @param reason why the whole file could not be fetched, if that has failed last
/// @param until before that it is not tried again
/// @param lastAccess when it was last used, as far as that is known
/// @param isUploaded whether the object store has it; empty: there is none, or it is not known yet
public record LayerReport(
    String file,
    LayerKind kind,
    int level,
    long bytes,
    LsnRange lsns,
    String state,
    Optional<String> reason,
    Optional<Instant> until,
    Instant lastAccess,
    Optional<Boolean> isUploaded) {

  /// All layers that are in files, by the names of these. Wakes the timeline if it is at rest, and
  /// lets it rest again.
  ///
  /// @throws PageserverException.Unavailable when the list can't be read
  public static List<LayerReport> of(Timeline timeline) {
    var reports = new ArrayList<LayerReport>();
    timeline.glance(() -> addAll(timeline, reports));
    reports.sort(Comparator.comparing(LayerReport::file));
    return reports;
  }

  private static void addAll(Timeline timeline, List<LayerReport> reports) {
    timeline.condition().requireUsable();
    LayerMap map = timeline.reader().requireMap();
    try {
      Uploads uploads = timeline.index().uploads();
      map.historic()
          .forEach(layer -> {
            if (layer.layer() instanceof FileLayer file) {
              Optional<Boolean> there =
                  uploads == null || !uploads.isKnown()
                      ? Optional.empty()
                      : Optional.of(uploads.isThere(layer.entry()));
              reports.add(of(layer.entry(), file, there));
            }
          });
    } finally {
      map.release();
    }
  }

  private static LayerReport of(LayerEntry entry, FileLayer file, Optional<Boolean> isUploaded) {
    LayerState state = file.residency().state();
    Optional<LayerState.Failed> failed =
        state instanceof LayerState.Failed failure ? Optional.of(failure) : Optional.empty();
    return new LayerReport(
        entry.name().fileName(),
        entry.name().kind(),
        entry.level(),
        entry.bytes(),
        entry.name().lsns(),
        word(state),
        failed.map(LayerState.Failed::reason),
        failed.map(LayerState.Failed::until),
        Instant.ofEpochMilli(file.residency().lastAccess()),
        isUploaded);
  }

  static String word(LayerState state) {
    return switch (state) {
      case LayerState.Resident _ -> "resident";
      case LayerState.Evicted _ -> "evicted";
      case LayerState.Downloading _ -> "downloading";
      case LayerState.Failed _ -> "failed";
    };
  }
}
