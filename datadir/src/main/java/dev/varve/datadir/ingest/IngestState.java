package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.DirectoryValues;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.ControlFile;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Timeline;
import java.lang.foreign.MemorySegment;

/// What ingest knows of a timeline as of the last record: rebuilt from the timeline when its writer
/// begins, and kept by the parts from there on.
record IngestState(
    VersionWriter writer,
    RelationSizes relations,
    SlruSegments slrus,
    RunningCheckPoint checkPoint,
    CommitTimeLog times,
    Origins origins,
    int walSegmentSize) {

  /// Reads the state as of the timeline's last record.
  ///
  /// @throws PageserverException.InvalidRequest when no data directory was imported
  /// @throws PageserverException.DataCorrupted when what is stored can't be read
  static IngestState load(Timeline timeline, Ingest ingest, PgVersion version) {
    byte[] controlFile = ingest.value(DirectoryKeys.CONTROL_FILE);
    byte[] checkPoint = ingest.value(DirectoryKeys.CHECKPOINT);
    if (controlFile == null || checkPoint == null) {
      throw new PageserverException.InvalidRequest(
          "the timeline " + timeline.name() + " has no data directory yet; import one first");
    }
    var writer = new VersionWriter(ingest, timeline.lastRecordLsn().value());
    ControlFile control = ControlFile.parse(MemorySegment.ofArray(controlFile));
    var running =
        new RunningCheckPoint(
            writer,
            DirectoryValues.checkPoint(version, checkPoint, ingest.value(DirectoryKeys.NEXT_XID)),
            control);
    return new IngestState(
        writer,
        new RelationSizes(writer),
        new SlruSegments(writer),
        running,
        CommitTimeLog.load(writer, ingest),
        new Origins(writer),
        control.walSegmentSize());
  }
}
