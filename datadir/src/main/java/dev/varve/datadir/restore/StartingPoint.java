package dev.varve.datadir.restore;

import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.OtherFile;
import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.record.CheckpointSegment;
import dev.varve.postgres.wal.WalSegments;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Optional;

/// What lets PostgreSQL start from a directory without replay: a control file that says "cleanly
/// stopped", the record of that stop's checkpoint in a WAL segment, and the history of the new
/// PostgreSQL timeline on which both are.
///
/// The new timeline leaves the source's at the directory's LSN, and the checkpoint is the first
/// record on it.
final class StartingPoint {

  private static final String WAL = "pg_wal/";

  private final DataDirectory directory;
  private final ControlFile control;
  private final CheckPoint checkPoint;
  private final WalSegments segments;
  private final Instant now;
  private final int parentTli;

  StartingPoint(DataDirectory directory, Instant now) {
    this.directory = directory;
    this.control = directory.control();
    this.checkPoint = directory.checkPoint();
    this.segments = new WalSegments(control.walSegmentSize());
    this.now = now;
    this.parentTli = checkPoint.tli();
  }

  Instant time() {
    return now;
  }

  /// Adds history file, WAL segment and control file.
  void write(BackupTar tar) throws IOException {
    checkPoint.setRedo(CheckpointSegment.place(directory.lsn().value(), segments));
    checkPoint.setTli(parentTli + 1);
    checkPoint.setPreviousTli(parentTli + 1);
    checkPoint.setFullPageWrites(true);
    checkPoint.setTime(now.getEpochSecond());
    // No transaction runs; a shutdown's checkpoint has 0 for the oldest.
    checkPoint.setOldestActiveXid(0);
    tar.file(WAL + TimelineHistory.fileName(checkPoint.tli()), history());
    var segment = new CheckpointSegment(checkPoint, control.systemIdentifier(), segments, 0);
    tar.file(WAL + segment.name(), segments.size(), out -> pages(segment, out));
    tar.file("global/pg_control", controlFile());
  }

  private static void pages(CheckpointSegment segment, OutputStream out) throws IOException {
    byte[] page = new byte[WalSegments.PAGE_SIZE];
    MemorySegment bytes = MemorySegment.ofArray(page);
    for (int i = 0; i < segment.pages(); i++) {
      segment.page(i, bytes);
      out.write(page);
    }
  }

  private byte[] controlFile() {
    control.setState(ClusterState.SHUT_DOWN);
    control.setTime(now.getEpochSecond());
    control.setCheckPointLsn(checkPoint.redo());
    control.setCheckPoint(checkPoint);
    control.setMinRecoveryPoint(0, 0);
    control.setBackup(0, 0, false);
    return control.toBytes();
  }

  /// The source's history, as far as it is known, and where the new timeline leaves it.
  private byte[] history() throws IOException {
    String parent = WAL + TimelineHistory.fileName(parentTli);
    TimelineHistory known = TimelineHistory.NONE;
    Optional<OtherFile> file = directory.otherFile(parent);
    if (file.isPresent()) {
      var contents = new ByteArrayOutputStream();
      directory.copy(file.get(), contents);
      known = TimelineHistory.parse(contents.toByteArray());
    }
    return known.branch(parentTli, directory.lsn(), "restored by Varve").toBytes();
  }
}
