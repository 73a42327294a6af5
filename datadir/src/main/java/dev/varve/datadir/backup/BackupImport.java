package dev.varve.datadir.backup;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.OtherFile;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.Tablespace;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.BackupLabel;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.backup.TablespaceMap;
import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.record.PreparedTransaction;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.jspecify.annotations.Nullable;

/// Takes the files of a base backup into a new timeline, in any order, as of the LSN at which the
/// timeline starts: the redo location of the backup's first checkpoint.
///
/// A backup of a running server is *fuzzy*: each page is from some moment between its start and its
/// end. After {@link #finish} the WAL from the start to the end of the backup must be taken in
/// ({@link dev.varve.datadir.ingest.WalIngest}); then {@link Timeline#markImported} makes the
/// timeline readable from the end on.
///
/// Files that are not PostgreSQL's own format, such as configuration, certificates and revocation
/// lists, are kept as they are, whatever their size up to 1 GiB: a server may need them to start.
/// What {@link DataFiles} ignores, and the state of logical decoding, which belongs to slots that a
/// copy does not have, is left out without a word; anything else that is left out is a warning.
///
/// Memory does not grow with the files' sizes, only with their number. Of one thread. What is not
/// finished is forgotten.
public final class BackupImport implements AutoCloseable {

  /// The largest of the small files that are read whole.
  private static final long MAX_SMALL_FILE = 1 << 20;

  /// That of a prepared transaction grows with its subtransactions: this is room for millions.
  private static final long MAX_PREPARED = 64 << 20;

  private static final String LOGICAL = "pg_logical/";

  private final ImageTarget target;
  private final PgVersion version;
  private final DataFiles names;
  private final ImportProgress progress;
  private final Warnings warnings = new Warnings();
  private final RelationPages relations;
  private final Map<Integer, String> tablespaces = new HashMap<>();
  private final Set<Integer> usedTablespaces = new HashSet<>();
  private final Set<DataFile> seen = new HashSet<>();
  private @Nullable ControlFile control;
  private @Nullable BackupLabel label;
  private long bytes;
  private long files;

  /// @param timeline new: it starts where the backup does
  public BackupImport(Timeline timeline, ImportProgress progress) {
    this(ImageTarget.of(timeline), progress);
  }

  /// @param target closed with this
  public BackupImport(ImageTarget target, ImportProgress progress) {
    this.target = target;
    this.version = target.version();
    this.names = new DataFiles(version);
    this.progress = progress;
    this.relations = new RelationPages(target);
  }

  /// That there is a tablespace, and where its files are on the server.
  ///
  /// @param path empty, or in `pg_tblspc`: in the data directory itself
  public void tablespace(int oid, String path) {
    tablespaces.put(oid, path.startsWith("pg_tblspc/") ? "" : path);
  }

  /// Takes in a tar as the server sends it, or as `pg_basebackup` writes it. The stream is read to
  /// the tar's end, and stays open.
  ///
  /// @param tablespace OID of the tablespace whose tar it is; 0 for the data directory
  /// @param endMarked whether the tar must end with a block of zeroes, as files do; what the server
  ///   sends need not
  /// @throws IOException when the tar ends too early, or reading it fails
  /// @throws PageserverException.InvalidRequest when a file in it can't belong to a backup
  public void tar(InputStream tar, int tablespace, boolean endMarked) throws IOException {
    @SuppressWarnings("resource") // It is the caller's stream.
    var entries = new BackupTar(tar);
    tar(entries, tablespace, endMarked);
  }

  void tar(BackupTar entries, int tablespace, boolean endMarked) throws IOException {
    TarArchiveEntry entry = entries.getNextEntry();
    while (entry != null) {
      if (entry.isSymbolicLink()) {
        link(entry.getName(), entry.getLinkName());
      } else if (entry.isFile()) {
        file(tablespace, entry.getName(), entry.getSize(), entries);
      } else if (entry.isDirectory() && tablespace == 0) {
        folder(entry.getName());
      }
      entry = entries.getNextEntry();
    }
    if (endMarked && !entries.ended()) {
      throw new IOException("the tar is cut off: its end is missing");
    }
  }

  private void link(String name, String target) {
    String[] parts = (name.startsWith("./") ? name.substring(2) : name).split("/", -1);
    if (parts.length == 2 && parts[0].equals("pg_tblspc") && parts[1].matches("[1-9][0-9]{0,9}")) {
      tablespace(Integer.parseUnsignedInt(parts[1]), target);
    } else {
      warnings.add("the link " + name + " to " + target + " was left out");
    }
  }

  /// A folder that isn't PostgreSQL's own may be empty, and missed: `include_dir` wants it.
  private void folder(String name) {
    String path = name.endsWith("/") ? name : name + "/";
    if (!path.equals("./")
        && names.of(path + "file") instanceof DataFile.Other(String file)
        && !file.startsWith(LOGICAL)) {
      String folder = file.substring(0, file.lastIndexOf('/') + 1);
      if (seen.add(new DataFile.Other(folder)) && isShort(folder)) {
        value(DirectoryKeys.otherFile(folder), new OtherFile(folder, 0).encode(new byte[0]));
      }
    }
  }

  private static boolean isShort(String path) {
    return path.getBytes(StandardCharsets.UTF_8).length <= OtherFile.MAX_PATH;
  }

  /// Takes in one file.
  ///
  /// @param tablespace OID of the tablespace that the path is in; 0 for the data directory
  /// @param path as in a tar of that tablespace
  /// @param size bytes of the file, all of which are in `contents`
  public void file(int tablespace, String path, long size, InputStream contents)
      throws IOException {
    DataFile file = tablespace == 0 ? names.of(path) : names.ofTablespace(tablespace, path);
    if (isKept(file) && !seen.add(file)) {
      throw new PageserverException.InvalidRequest("the backup has the file " + path + " twice");
    }
    switch (file) {
      case DataFile.RelationSegment segment -> relation(segment, size, contents);
      case DataFile.SlruSegment segment -> slru(segment, size, contents);
      case DataFile.RelationMapFile map ->
          value(
              DirectoryKeys.relationMap(map.tablespace(), map.database()),
              small(path, size, contents));
      case DataFile.VersionFile of -> versionFile(of, small(path, size, contents));
      case DataFile.Control _ -> control(small(path, size, contents));
      case DataFile.TwoPhase prepared ->
          prepared(prepared.xid(), limited(path, size, MAX_PREPARED, contents));
      case DataFile.Label _ -> label = BackupLabel.parse(small(path, size, contents));
      case DataFile.TablespaceMapFile _ ->
          TablespaceMap.parse(small(path, size, contents)).forEach(this::tablespace);
      case DataFile.Other other -> other(other.path(), size, contents);
      case DataFile.TimelineHistoryFile(int tli) ->
          keep("pg_wal/" + TimelineHistory.fileName(tli), size, contents);
      case DataFile.WalSegment _, DataFile.Manifest _, DataFile.Ignored _ -> {}
    }
    files++;
    progress.progress(bytes, files);
  }

  /// That there is a file whose pages stay where they are; instead of {@link #file}.
  public void leave(DataFile.RelationSegment file, long size) {
    usedTablespaces.add(file.tablespace());
    relations.leave(file, size);
  }

  private static boolean isKept(DataFile file) {
    return switch (file) {
      case DataFile.RelationSegment _, // These are remembered by their pages' taker.
          DataFile.WalSegment _,
          DataFile.Ignored _ ->
          false;
      default -> true;
    };
  }

  private void count(long more) {
    bytes += more;
    progress.progress(bytes, files);
  }

  private void relation(DataFile.RelationSegment file, long size, InputStream contents)
      throws IOException {
    usedTablespaces.add(file.tablespace());
    relations.load(file, size, contents, this::count);
  }

  private void slru(DataFile.SlruSegment file, long size, InputStream contents) throws IOException {
    if (size > (long) Slru.PAGES_PER_SEGMENT * Page.SIZE) {
      throw new PageserverException.InvalidRequest(
          "the segment %s of %s has %d bytes, more than PostgreSQL puts into one"
              .formatted(Slru.fileName(file.segment()), file.slru().directory(), size));
    }
    int pages = (int) ((size + Page.SIZE - 1) / Page.SIZE);
    byte[] page = new byte[Page.SIZE];
    for (int i = 0; i < pages; i++) {
      int length = (int) Math.min(Page.SIZE, size - (long) i * Page.SIZE);
      if (contents.readNBytes(page, 0, length) < length) {
        throw new IOException("the file of " + file.slru().directory() + " ends too early");
      }
      Arrays.fill(page, length, Page.SIZE, (byte) 0);
      value(DirectoryKeys.slruPage(file.slru(), file.segment() * Slru.PAGES_PER_SEGMENT + i), page);
      count(length);
    }
    value(DirectoryKeys.slruSize(file.slru(), file.segment()), size(pages));
  }

  private void versionFile(DataFile.VersionFile of, byte[] contents) {
    String text = new String(contents, StandardCharsets.US_ASCII).strip();
    if (!text.equals(Integer.toString(version.major()))) {
      throw new PageserverException.InvalidRequest(
          "the backup is of PostgreSQL %s, but %d was expected".formatted(text, version.major()));
    }
    if (of.database() != 0) {
      usedTablespaces.add(of.tablespace());
      value(DirectoryKeys.database(of.tablespace(), of.database()), contents);
    }
  }

  private void control(byte[] contents) {
    ControlFile file = ControlFile.parse(MemorySegment.ofArray(contents));
    if (file.version() != version) {
      throw new PageserverException.InvalidRequest(
          "the control file is of PostgreSQL %d, but %s of %d"
              .formatted(file.version().major(), target.name(), version.major()));
    }
    control = file;
  }

  /// A state file that is still being written is damaged; the record that prepared the transaction
  /// is then in the WAL of the backup, and brings it again.
  private void prepared(long xid, byte[] contents) {
    try {
      PreparedTransaction.readFile(version, MemorySegment.ofArray(contents));
      value(DirectoryKeys.prepared(xid), contents);
    } catch (PageserverException.DataCorrupted e) {
      warnings.add(
          "the file of the prepared transaction %s was left out: %s"
              .formatted(Long.toUnsignedString(xid), e.getMessage()));
    }
  }

  private void other(String path, long size, InputStream contents) throws IOException {
    if (path.equals(OriginsFile.PATH)) {
      OriginsFile.parse(small(path, size, contents), target.start())
          .forEach(origin -> value(DirectoryKeys.replicationOrigin(origin.id()), origin.encode()));
    } else if (!path.startsWith(LOGICAL)) {
      keep(path, size, contents);
    }
  }

  private void keep(String path, long size, InputStream contents) throws IOException {
    boolean tooLong = !isShort(path);
    if (size > OtherFile.MAX_SIZE || tooLong) {
      warnings.add(
          "the file %s of %d bytes was left out: %s; a restored server will not have it"
              .formatted(path, size, tooLong ? "its path is too long" : "it has more than 1 GiB"));
      return;
    }
    var file = new OtherFile(path, size);
    byte[] small = file.inPieces() ? new byte[0] : whole(path, size, contents);
    value(DirectoryKeys.otherFile(path), file.encode(small));
    for (int i = 0; file.inPieces() && i < file.pieces(); i++) {
      value(DirectoryKeys.otherFilePiece(path, i), whole(path, file.pieceSize(i), contents));
    }
  }

  private byte[] small(String path, long size, InputStream contents) throws IOException {
    return limited(path, size, MAX_SMALL_FILE, contents);
  }

  private byte[] limited(String path, long size, long limit, InputStream contents)
      throws IOException {
    if (size > limit) {
      throw new PageserverException.InvalidRequest(
          "the file " + path + " has " + size + " bytes, too many for what it is");
    }
    return whole(path, size, contents);
  }

  private byte[] whole(String path, long size, InputStream contents) throws IOException {
    byte[] whole = contents.readNBytes((int) size);
    if (whole.length < size) {
      throw new IOException("the file " + path + " ends too early");
    }
    count(size);
    return whole;
  }

  /// What the backup says of itself: where it starts; empty for a copy of a stopped server.
  public Optional<BackupLabel> label() {
    return Optional.ofNullable(label);
  }

  /// The control file, once it has come; it is the last file of a backup.
  public Optional<ControlFile> control() {
    return Optional.ofNullable(control);
  }

  /// All files are in: the timeline can take in WAL from the backup's start on.
  ///
  /// @throws PageserverException.InvalidRequest when the control file has not come, so that the
  ///   backup is not whole, or it starts elsewhere than the timeline
  public ImportSummary finish() {
    ControlFile file = control;
    if (file == null) {
      throw new PageserverException.InvalidRequest(
          "the backup is not whole: global/pg_control, its last file, is missing");
    }
    checkStart(file);
    if (file.dataChecksumVersion() != 0) {
      relations.warnOfChecksums(warnings);
    }
    for (Map.Entry<RelationFork, Long> fork : relations.sizes().entrySet()) {
      value(DirectoryKeys.relationSize(fork.getKey()), size(fork.getValue()));
    }
    putTablespaces();
    value(DirectoryKeys.CONTROL_FILE, file.toBytes());
    value(DirectoryKeys.CHECKPOINT, checkPoint(file).toBytes());
    target.finish();
    return new ImportSummary(bytes, files, relations.pages(), warnings.all());
  }

  /// The control file is copied last; a standby may have followed another server by then.
  private CheckPoint checkPoint(ControlFile file) {
    CheckPoint checkPoint = file.checkPoint();
    if (label != null && label.tli() != checkPoint.tli()) {
      checkPoint.setTli(label.tli());
      checkPoint.setPreviousTli(label.tli());
    }
    return checkPoint;
  }

  private void checkStart(ControlFile file) {
    Lsn start = label == null ? new Lsn(file.checkPoint().redo()) : label.start();
    if (!start.equals(target.start())) {
      throw new PageserverException.InvalidRequest(
          "the backup starts at %s, but the timeline %s at %s"
              .formatted(start, target.name(), target.start()));
    }
  }

  /// One that has files but no place is a folder in `pg_tblspc` itself.
  private void putTablespaces() {
    usedTablespaces.forEach(oid -> tablespaces.putIfAbsent(oid, ""));
    tablespaces.remove(DirectoryKeys.DEFAULT_TABLESPACE);
    tablespaces.remove(DirectoryKeys.GLOBAL_TABLESPACE);
    tablespaces.forEach(
        (oid, path) -> value(DirectoryKeys.tablespace(oid), new Tablespace(oid, path).encode()));
  }

  private static byte[] size(long size) {
    byte[] value = new byte[Integer.BYTES];
    MemorySegment.ofArray(value).set(PgLayout.INT, 0, (int) size);
    return value;
  }

  private void value(Key key, byte[] value) {
    target.image(
        key.upper(), key.middle(), key.lower(), MemorySegment.ofArray(value), 0, value.length);
  }

  /// Forgets what was not finished.
  @Override
  public void close() {
    target.close();
  }
}
