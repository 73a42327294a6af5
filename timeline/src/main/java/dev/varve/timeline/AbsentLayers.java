package dev.varve.timeline;

import dev.varve.layer.FileLayer;
import dev.varve.layer.LayerState;
import dev.varve.layer.RemoteLayer;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Layers that reads of a timeline may need, of itself and of those that it was branched from, and
/// whose files are not here.
///
/// @param layers how many
/// @param bytes of their files
/// @param underWay how many of them are being fetched whole now
/// @param obstacle why no more come, or one could not be fetched last; a sentence
public record AbsentLayers(int layers, long bytes, int underWay, Optional<String> obstacle) {

  /// Has all of them fetched whole, a few at a time, as far as there is room on the disk, and tells
  /// what is not here yet. To be called again while some are not: more are not remembered than can
  /// be fetched soon.
  ///
  /// @throws PageserverException.Unsupported when there is no object store
  /// @throws PageserverException.Unavailable when a list of layers can't be read
  public static AbsentLayers fetch(Timeline timeline) {
    Downloads downloads = timeline.upkeep().downloads();
    if (downloads == null) {
      throw new PageserverException.Unsupported(
          "this server has no object store: all layers are here");
    }
    var search = new Search();
    timeline.glance(() -> search.addAll(timeline));
    search.absent.forEach(layer -> downloads.want(layer, Download.Why.ASKED));
    return new AbsentLayers(
        search.absent.size(),
        search.bytes,
        search.underWay,
        search.absent.isEmpty()
            ? Optional.empty()
            : downloads
                .room()
                .obstacle(search.smallest)
                .or(() -> Optional.ofNullable(search.failure)));
  }

  private static final class Search {

    private final Set<RemoteLayer> absent = new LinkedHashSet<>();
    private long bytes;
    private long smallest = Long.MAX_VALUE;
    private int underWay;
    private @Nullable String failure;

    void addAll(Timeline timeline) {
      Lsn upTo = Lsn.MAX;
      for (Timeline at = timeline; at != null; at = at.ancestorTimeline()) {
        at.condition().requireUsable();
        add(at, upTo);
        upTo = Lsn.min(upTo, at.ancestorLsn());
      }
    }

    private void add(Timeline timeline, Lsn upTo) {
      LayerMap map = timeline.reader().requireMap();
      try {
        map.historic()
            .forEach(layer -> {
              if (layer.layer() instanceof FileLayer file
                  && !layer.entry().name().lsns().start().isAfter(upTo)) {
                add(file.residency().state());
              }
            });
      } finally {
        map.release();
      }
    }

    private void add(LayerState state) {
      RemoteLayer layer = state.object();
      if (layer == null) {
        return;
      }
      absent.add(layer);
      bytes += layer.bytes();
      smallest = Math.min(smallest, layer.bytes());
      switch (state) {
        case LayerState.Downloading _ -> underWay++;
        case LayerState.Failed(_, String reason, _) -> failure = reason;
        case LayerState.Evicted _, LayerState.Resident _ -> {}
      }
    }
  }
}
