package dev.varve.datadir.backup;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.postgres.backup.WalPath;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;

/// A log in folders with segment files, from one LSN on: that of the newest PostgreSQL timeline
/// that goes on from there, by the history files among the segments.
public final class ArchivedLog {

  private final WalArchive archive;
  private final WalFiles files;
  private final WalPath path;

  private ArchivedLog(WalArchive archive, WalFiles files, WalPath path) {
    this.archive = archive;
    this.files = files;
    this.path = path;
  }

  /// Looks what there is.
  ///
  /// @param folders the first that has a file gives it
  /// @param tli the PostgreSQL timeline of what is at `from`
  public static ArchivedLog open(List<Path> folders, int segmentSize, int tli, Lsn from)
      throws IOException {
    var segments = new WalSegments(segmentSize);
    WalArchive archive = WalArchive.read(folders, segments, from);
    WalPath path =
        archive.newest(List.of(new WalArchive.Part(tli, from))).orElseGet(() -> archive.of(tli));
    return new ArchivedLog(archive, new WalFiles(folders, segments), path);
  }

  /// Feeds the log from where the ingest is, until `done` says so or there is no more of it.
  ///
  /// @return whether it is done
  /// @throws dev.varve.model.PageserverException.DataCorrupted when the log is damaged, or a file
  ///   can't be unpacked
  public boolean feed(WalIngest ingest, BooleanSupplier done) throws IOException {
    return files.feed(ingest, path, done);
  }

  /// Why there was no more of the log, for people.
  public String end() {
    return files.end();
  }

  /// Whether there is more of the log than was fed, when {@link #feed} found no more.
  public boolean goesOn(WalIngest ingest) throws IOException {
    return files.goesOn(ingest, path, archive);
  }

  /// Sentences on WAL that is there and is not of this log.
  public List<String> leftOut() {
    return archive.leftOut(path);
  }
}
