package dev.varve.server.page;

import dev.varve.model.Lsn;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.OutputStream;

/// Writes a base backup of a timeline as of an LSN; the page service itself doesn't know how.
public interface BackupSource {
  void write(Timeline timeline, Lsn lsn, OutputStream target) throws IOException;
}
