package dev.varve.simulation;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.varve.remote.ObjectName;
import dev.varve.timeline.RemoteName;

/// What objects are, as their names say it: layers, and manifests and index parts, which name
/// others.
final class ObjectNames {

  private ObjectNames() {}

  static boolean isLayer(ObjectName name) {
    return RemoteName.parse(name).orElse(null) instanceof RemoteName.LayerFile;
  }

  static boolean isManifest(ObjectName name) {
    return RemoteName.parse(name).orElse(null) instanceof RemoteName.Manifest;
  }

  /// What the name is without the generation.
  static String kind(ObjectName name) {
    return name.value().substring(0, name.value().lastIndexOf('-'));
  }

  /// Whether an index part names a layer.
  ///
  /// @param bytes of the index part
  static boolean isNamed(ObjectName layer, ObjectName index, byte[] bytes) {
    return RemoteName.parse(layer).orElse(null) instanceof RemoteName.LayerFile file
        && index.value().startsWith(RemoteName.indexParts(file.tenant(), file.timeline()))
        && new String(bytes, UTF_8).contains('"' + file.layer().fileName() + '"');
  }

  /// Whether a sentence may be about a manifest or an index part that is lost: it need not name it.
  static boolean isOfLost(String sentence, ObjectName lost) {
    return switch (RemoteName.parse(lost).orElse(null)) {
      case RemoteName.Manifest manifest ->
          sentence.contains(manifest.tenant().toString()) && sentence.contains("no manifest");
      case RemoteName.Index index -> sentence.contains(index.timeline().toString());
      case RemoteName.LayerFile _ -> false;
      case null -> false;
    };
  }
}
