package dev.varve.server.page;

import dev.varve.model.Lsn;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.OutputStream;

/// Makes a base backup of a timeline as of an LSN; the page service itself doesn't know how.
public interface BackupSource {

  /// One base backup, not yet written.
  interface Backup {
    void write(OutputStream target) throws IOException;
  }

  /// @throws dev.varve.model.PageserverException when there can be no backup as of that LSN
  Backup of(Timeline timeline, Lsn lsn);
}
