package dev.varve.datadir.backup;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.BackupLabel;
import dev.varve.postgres.backup.BackupManifest;
import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.backup.WalPath;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.wal.WalSegments;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Imports what `pg_basebackup -F tar` left on a disk, or a tar of a stopped server's data
/// directory, and the WAL that belongs to it.
///
/// | file                               | what it is                                                |
/// |------------------------------------|-----------------------------------------------------------|
/// | the tar named, say `base.tar`      | the data directory, and its WAL when that was fetched     |
/// | `<oid>.tar` beside it              | a tablespace                                              |
/// | `pg_wal.tar` beside it             | the WAL when that was streamed                            |
/// | `backup_manifest` beside it        | where the backup ends                                     |
/// | segments in the WAL folder, if any | more WAL                                                  |
/// | `.history` files among them        | how its PostgreSQL timelines descend from each other      |
///
/// Each may be compressed with gzip, LZ4 or zstd; then `.gz`, `.lz4` or `.zst` follows its name;
/// and the last segment may be a `.partial` one. Without a manifest the end is where the WAL says
/// that it is; a copy of a stopped server has no end but its last record.
///
/// Of several PostgreSQL timelines the newest counts that has the backup in its past, as for
/// PostgreSQL's own recovery. What is left out so is said.
public final class TarImport {

  private static final int MAX_MANIFEST = 1 << 29;

  private final BackupFolder folder;
  private final TarContents contents;
  private final @Nullable Path wal;

  /// What an import of tars did.
  ///
  /// @param files what came of the files
  /// @param readableFrom end of the backup
  /// @param end of the WAL that was there
  /// @param walEnd why there was no more of it, for people; empty when it simply ended
  /// @param leftOut sentences on WAL that is there and was not taken in
  public record Result(
      ImportSummary files,
      Lsn readableFrom,
      Lsn end,
      Optional<String> walEnd,
      List<String> leftOut) {}

  private TarImport(BackupFolder folder, TarContents contents, @Nullable Path wal) {
    this.folder = folder;
    this.contents = contents;
    this.wal = wal;
  }

  /// Reads what a backup says of itself; this passes over the whole tar once.
  ///
  /// @param tar the data directory's tar, or the folder that has it as `base.tar`
  /// @param wal a folder with WAL segments; null when the backup has all it needs
  /// @throws IOException when the tar can't be read, or is cut off
  /// @throws PageserverException.InvalidRequest when it is no backup, or one that can't be used
  public static TarImport open(Path tar, @Nullable Path wal) throws IOException {
    BackupFolder folder = BackupFolder.of(tar);
    if (wal != null && !Files.isDirectory(wal)) {
      throw new PageserverException.InvalidRequest("there is no folder " + wal);
    }
    return new TarImport(folder, TarContents.read(folder.base()), wal);
  }

  public PgVersion version() {
    return contents.control().version();
  }

  public long systemIdentifier() {
    return contents.control().systemIdentifier();
  }

  /// Where the timeline must start.
  public Lsn start() {
    return contents.start();
  }

  /// The PostgreSQL timeline of the backup.
  public int tli() {
    return contents.tli();
  }

  /// Imports all: files, then WAL up to the backup's end, at which the timeline becomes readable,
  /// then what there is of WAL beyond.
  ///
  /// @param timeline new, and starting at {@link #start()}
  /// @param scratch a folder for WAL that is in tars; what is put there is deleted again
  /// @throws PageserverException.InvalidRequest when the WAL does not reach the backup's end
  public Result run(Timeline timeline, Path scratch, ImportProgress progress) throws IOException {
    ImportSummary summary = files(timeline, progress);
    try (var spool = new WalSpool(scratch)) {
      for (Path tar : folder.tarsWithWal()) {
        spool.extract(tar, contents.start(), contents.control().walSegmentSize());
      }
      List<Path> folders = new ArrayList<>();
      if (wal != null) {
        folders.add(wal); // First: a segment in the tar may have been written further since.
      }
      folders.add(spool.folder());
      var segments = new WalSegments(contents.control().walSegmentSize());
      WalArchive archive = WalArchive.read(folders, segments, contents.start());
      return wal(timeline, archive, new WalFiles(folders, segments), summary);
    }
  }

  private ImportSummary files(Timeline timeline, ImportProgress progress) throws IOException {
    try (var files = new BackupImport(timeline, progress)) {
      try (BackupTar base = BackupTar.open(folder.base())) {
        files.tar(base, 0, true);
      }
      for (BackupFolder.TablespaceTar tablespace : folder.tablespaces()) {
        try (BackupTar tar = BackupTar.open(tablespace.file())) {
          files.tar(tar, tablespace.oid(), true);
        }
      }
      return files.finish();
    }
  }

  private Result wal(Timeline timeline, WalArchive archive, WalFiles files, ImportSummary summary)
      throws IOException {
    List<WalArchive.Part> parts = parts();
    WalPath backup = path(archive, parts);
    try (var ingest = new WalIngest(timeline)) {
      Optional<Lsn> known = parts.isEmpty() ? Optional.empty() : Optional.of(parts.getLast().end());
      BooleanSupplier done =
          known.isPresent()
              ? () -> !ingest.lastRecord().isBefore(known.get())
              : () -> ended(ingest).isPresent();
      if (!files.feed(ingest, backup, done)) {
        throw new PageserverException.InvalidRequest(
            "the WAL of the backup is not whole: it ends at %s, before the backup does%s (%s); name a folder that has the rest"
                .formatted(
                    ingest.position(), known.map(lsn -> " at " + lsn).orElse(""), files.end()));
      }
      Lsn end = known.orElseGet(() -> ended(ingest).orElseThrow());
      timeline.markImported(end);
      WalPath path =
          archive
              .newest(List.of(new WalArchive.Part(ingest.tli(), ingest.lastRecord())))
              .orElse(backup);
      Optional<String> why = rest(ingest, files, path, archive);
      return new Result(summary, end, ingest.lastRecord(), why, archive.leftOut(path));
    }
  }

  /// WAL that goes on beyond the backup is taken in as far as it is whole.
  private static Optional<String> rest(
      WalIngest ingest, WalFiles files, WalPath path, WalArchive archive) throws IOException {
    try {
      files.feed(ingest, path, () -> false);
      return files.goesOn(ingest, path, archive) ? Optional.of(files.end()) : Optional.empty();
    } catch (PageserverException.DataCorrupted | PageserverException.Unsupported e) {
      return Optional.ofNullable(e.getMessage());
    }
  }

  /// The end by the WAL alone: the record that ends the backup; of a stopped server, its last.
  private Optional<Lsn> ended(WalIngest ingest) {
    if (contents.label() != null) {
      return ingest.backupEnd(contents.start());
    }
    Lsn last = ingest.lastRecord();
    return last.isAfter(contents.start()) ? Optional.of(last) : Optional.empty();
  }

  /// What the backup's WAL is made of, by what it says itself; empty when it does not.
  private List<WalArchive.Part> parts() throws IOException {
    Path manifest = folder.manifest();
    if (Files.isRegularFile(manifest) && Files.size(manifest) <= MAX_MANIFEST) {
      return BackupManifest.parse(Files.readAllBytes(manifest)).walRanges().stream()
          .sorted(Comparator.comparing(BackupManifest.WalRange::end))
          .map(range -> new WalArchive.Part(range.tli(), range.end()))
          .toList();
    }
    BackupLabel label = contents.label();
    if (label == null || !label.fromStandby()) {
      return List.of();
    }
    ControlFile control = contents.control();
    return List.of(
        new WalArchive.Part(control.minRecoveryPointTli(), new Lsn(control.minRecoveryPoint())));
  }

  /// The log that the backup needs. A primary stays on its PostgreSQL timeline during a backup; a
  /// standby goes along with its primary.
  private WalPath path(WalArchive archive, List<WalArchive.Part> parts) {
    if (parts.isEmpty()) {
      return archive.of(contents.tli());
    }
    return archive
        .newest(parts)
        .orElseThrow(() ->
            new PageserverException.InvalidRequest(
                "the backup ends on PostgreSQL timeline %s, and %s does not say that it goes on from %s; name a folder that has the right one"
                    .formatted(
                        Integer.toUnsignedString(parts.getLast().tli()),
                        TimelineHistory.fileName(parts.getLast().tli()),
                        Integer.toUnsignedString(contents.tli()))));
  }
}
