package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.model.PageserverException;
import dev.varve.postgres.control.ControlFile;
import java.lang.foreign.MemorySegment;

/// What ingest knows as of the last record: rebuilt from the store when its writer begins, and kept
/// by the parts from there on.
record IngestState(
    VersionWriter writer,
    RelationSizes relations,
    SlruSegments slrus,
    RunningCheckPoint checkPoint,
    CommitTimeLog times,
    Origins origins,
    int walSegmentSize) {

  /// Reads the state as of the store's last record.
  ///
  /// @throws PageserverException.InvalidRequest when no data directory was imported
  /// @throws PageserverException.DataCorrupted when what is stored can't be read
  static IngestState load(VersionStore store) {
    byte[] controlFile = store.value(DirectoryKeys.CONTROL_FILE);
    byte[] checkPoint = store.value(DirectoryKeys.CHECKPOINT);
    if (controlFile == null || checkPoint == null) {
      throw new PageserverException.InvalidRequest(
          "the timeline " + store.name() + " has no data directory yet; import one first");
    }
    var writer = new VersionWriter(store);
    ControlFile control = ControlFile.parse(MemorySegment.ofArray(controlFile));
    var running =
        new RunningCheckPoint(
            writer,
            DirectoryValues.checkPoint(
                store.version(), checkPoint, store.value(DirectoryKeys.NEXT_XID)),
            control);
    return new IngestState(
        writer,
        new RelationSizes(writer),
        new SlruSegments(writer),
        running,
        CommitTimeLog.load(writer, store),
        new Origins(writer),
        control.walSegmentSize());
  }
}
