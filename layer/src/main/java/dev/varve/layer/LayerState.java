package dev.varve.layer;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// Where the bytes of a layer are. In every state it can be read.
public sealed interface LayerState {

  /// The file is on this disk. That it is missing is damage.
  record Resident() implements LayerState {}

  /// The file is not on this disk: reads take ranges of the object.
  record Evicted(RemoteLayer layer) implements LayerState {}

  /// As evicted; somebody fetches the whole file.
  record Downloading(RemoteLayer layer) implements LayerState {}

  /// As evicted; the whole file could not be fetched.
  ///
  /// @param reason a sentence
  /// @param until before this moment it should not be tried again
  record Failed(RemoteLayer layer, String reason, Instant until) implements LayerState {}

  /// The object that is read; null: the file is.
  default @Nullable RemoteLayer object() {
    return switch (this) {
      case Resident _ -> null;
      case Evicted(RemoteLayer layer) -> layer;
      case Downloading(RemoteLayer layer) -> layer;
      case Failed(RemoteLayer layer, _, _) -> layer;
    };
  }
}
