package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import java.io.IOException;

/// Decides which versions of one key after the other a merge writes, and where it makes an image of
/// a long chain of changes. For one thread.
sealed interface KeptVersions permits AllVersions, NeededVersions {

  /// Takes the version that the cursor stands on: of the key of the last one, with a higher LSN, or
  /// the first of the next key, after {@link #endKey}.
  void add(LayerCursor version) throws IOException;

  /// The last version of a key has been added.
  void endKey() throws IOException;

  /// Lets go of what is held in memory; nothing is added any more.
  void close();

  /// What is chosen of these versions.
  ///
  /// @param materializer makes images
  static KeptVersions of(MergePlan plan, MergeOutput output, Materializer materializer) {
    MergePlan.Retention retention = plan.retention();
    return retention == null
        ? new AllVersions(output, materializer)
        : new NeededVersions(output, materializer, retention);
  }
}
