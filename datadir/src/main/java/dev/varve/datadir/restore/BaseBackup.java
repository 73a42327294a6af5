package dev.varve.datadir.restore;

import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.Database;
import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.OtherFile;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.ReplicationOrigin;
import dev.varve.datadir.SlruSegment;
import dev.varve.datadir.Tablespace;
import dev.varve.datadir.backup.OriginsFile;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.record.PreparedTransaction;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.Hold;
import dev.varve.timeline.Timeline;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A complete data directory as of one LSN, as a tar that an unmodified PostgreSQL starts from: as
/// after a clean stop, on a new PostgreSQL timeline, with nothing to replay. For one thread.
///
/// Transactions that were under way at the LSN have their place in the commit log but no verdict
/// there, and nobody runs them any more: PostgreSQL takes them for aborted, as after a crash.
/// Prepared ones wait to be finished.
///
/// Order of the entries: directories, configuration, SLRUs, the databases in the order of their
/// keys, state files of prepared transactions, then what makes it startable: history file, WAL
/// segment and, last, the control file. A tablespace is a folder in `pg_tblspc`, from which
/// PostgreSQL starts, too; who unpacks may put it elsewhere and link to it.
public final class BaseBackup {

  /// Blocks in one file of a relation: 1 GiB.
  private static final int SEGMENT_BLOCKS = 131_072;

  private static final List<String> DIRECTORIES =
      List.of(
          "base",
          "global",
          "pg_commit_ts",
          "pg_dynshmem",
          "pg_logical/mappings",
          "pg_logical/snapshots",
          "pg_multixact/members",
          "pg_multixact/offsets",
          "pg_notify",
          "pg_replslot",
          "pg_serial",
          "pg_snapshots",
          "pg_stat",
          "pg_stat_tmp",
          "pg_subtrans",
          "pg_tblspc",
          "pg_twophase",
          "pg_wal/archive_status",
          "pg_xact");

  private final DataDirectory directory;
  private final ControlFile control;
  private final PgVersion version;
  private final StartingPoint start;
  private final boolean checksums;
  private final byte[] page = new byte[Page.SIZE];

  /// The folder `global`, which is no database's.
  private static final Database SHARED = new Database(DirectoryKeys.GLOBAL_TABLESPACE, 0, "");

  private BaseBackup(DataDirectory directory, Instant now) {
    this.directory = directory;
    this.control = directory.control();
    this.version = control.version();
    this.checksums = control.dataChecksumVersion() != 0;
    this.start = new StartingPoint(directory, now);
  }

  /// The directory of a timeline as of an LSN, which must be readable now.
  ///
  /// @throws dev.varve.model.PageserverException when it is not, or what is needed can't be read
  public static BaseBackup of(Timeline timeline, Lsn lsn, Instant now) {
    return new BaseBackup(DataDirectory.at(timeline, lsn), now);
  }

  /// About how large the tar will be: the pages of all relations.
  public long estimatedBytes() {
    long[] blocks = {0};
    for (Database database : directory.databases()) {
      directory.forEachRelation(
          database.tablespace(), database.database(), (_, count) -> blocks[0] += count);
    }
    return blocks[0] * Page.SIZE + control.walSegmentSize();
  }

  /// Writes the tar; complete only when this returns.
  ///
  /// @throws dev.varve.model.PageserverException naming the page or file that can't be read
  public void write(OutputStream out) throws IOException {
    try (Hold _ = directory.timeline().hold(directory.lsn())) {
      write(new BackupTar(out, start.time()));
    }
  }

  private void write(BackupTar tar) throws IOException {
    directories(tar);
    otherFiles(tar);
    for (Slru slru : Slru.values()) {
      slru(tar, slru);
    }
    relationsOf(tar, SHARED);
    for (Database database : directory.databases()) {
      database(tar, database);
    }
    preparedTransactions(tar);
    List<ReplicationOrigin> origins = directory.replicationOrigins();
    if (!origins.isEmpty()) {
      tar.file(OriginsFile.PATH, OriginsFile.toBytes(origins));
    }
    start.write(tar);
    tar.finish();
  }

  private void directories(BackupTar tar) throws IOException {
    for (String path : DIRECTORIES) {
      tar.directory(path);
    }
    if (version.compareTo(PgVersion.V17) >= 0) {
      tar.directory("pg_wal/summaries");
    }
    tar.file("PG_VERSION", (version.major() + "\n").getBytes(StandardCharsets.US_ASCII));
    for (Tablespace tablespace : directory.tablespaces()) {
      tar.directory(tablespaceFolder(tablespace.oid()));
    }
  }

  /// The source's own files, one after the other, and what it lacks.
  private void otherFiles(BackupTar tar) throws IOException {
    var configuration = Configuration.of(directory);
    Set<String> present = new HashSet<>();
    for (OtherFile file : directory.otherFiles()) {
      present.add(file.path());
      if (Configuration.isChanged(file)) {
        var contents = new ByteArrayOutputStream();
        directory.copy(file, contents);
        tar.file(file.path(), configuration.change(contents.toByteArray()));
      } else {
        directory(tar, file.path());
        if (!file.isFolder()) {
          tar.file(file.path(), file.size(), out -> directory.copy(file, out));
        }
      }
    }
    for (var file : configuration.missing(present).entrySet()) {
      tar.file(file.getKey(), file.getValue());
    }
  }

  private static void directory(BackupTar tar, String file) throws IOException {
    int slash = file.lastIndexOf('/');
    if (slash > 0) {
      tar.directory(file.substring(0, slash));
    }
  }

  private void slru(BackupTar tar, Slru slru) throws IOException {
    for (SlruSegment segment : directory.slruSegments(slru)) {
      int first = segment.segment() * Slru.PAGES_PER_SEGMENT;
      tar.file(
          slru.directory() + "/" + Slru.fileName(segment.segment()),
          (long) segment.pages() * Page.SIZE,
          out -> {
            for (int i = 0; i < segment.pages(); i++) {
              directory.slruPage(slru, first + i, MemorySegment.ofArray(page));
              out.write(page);
            }
          });
    }
  }

  private void preparedTransactions(BackupTar tar) throws IOException {
    unchecked(() ->
        directory.forEachPrepared((xid, file) ->
            checked(() ->
                tar.file("pg_twophase/" + PreparedTransaction.fileName(version, xid), file))));
  }

  private void database(BackupTar tar, Database database) throws IOException {
    if (database.equals(SHARED)) {
      return;
    }
    String folder = folder(database.tablespace(), database.database());
    tar.directory(folder);
    if (!database.versionFile().isEmpty()) {
      tar.file(folder + "/PG_VERSION", database.versionFile().getBytes(StandardCharsets.US_ASCII));
    }
    relationsOf(tar, database);
  }

  /// The relations and the relation map of a database's folder.
  private void relationsOf(BackupTar tar, Database database) throws IOException {
    String folder = folder(database.tablespace(), database.database());
    byte[] map = directory.relationMap(database.tablespace(), database.database());
    if (map != null) {
      tar.file(folder + "/pg_filenode.map", map);
    }
    try (var files = new RelationFiles(tar, directory, checksums)) {
      List<Fork> forks = new ArrayList<>();
      unchecked(() ->
          directory.forEachRelation(
              database.tablespace(),
              database.database(),
              (fork, blocks) ->
                  checked(() -> {
                    if (!forks.isEmpty() && !forks.getFirst().isOfSameRelation(fork)) {
                      relation(files, folder, forks);
                      forks.clear();
                    }
                    forks.add(new Fork(fork, blocks));
                  })));
      relation(files, folder, forks);
      files.flush();
    }
  }

  /// A fork and how many blocks it has.
  private record Fork(RelationFork fork, long blocks) {

    boolean isOfSameRelation(RelationFork other) {
      return fork.withFork(0).equals(other.withFork(0));
    }

    boolean isInit() {
      return fork.fork() == RelationFork.INIT;
    }
  }

  /// All forks of one relation. Of an unlogged one, the log knows the init fork alone; after a
  /// clean stop PostgreSQL does not reset it, so its main fork is written as the copy of the init
  /// fork that a crash would have made of it.
  private static void relation(RelationFiles files, String folder, List<Fork> forks)
      throws IOException {
    boolean unlogged = forks.stream().anyMatch(Fork::isInit);
    for (Fork fork : forks) {
      String name = folder + "/" + Integer.toUnsignedString(fork.fork.relation());
      if (fork.isInit()) {
        add(files, name, fork.fork, fork.blocks);
      }
      if (!unlogged || fork.isInit()) {
        add(files, name + RelationFork.suffix(fork.fork.fork()), fork.fork, fork.blocks);
      }
    }
  }

  private static void add(RelationFiles files, String name, RelationFork fork, long blocks)
      throws IOException {
    for (long first = 0; first == 0 || first < blocks; first += SEGMENT_BLOCKS) {
      String path = first == 0 ? name : name + "." + first / SEGMENT_BLOCKS;
      files.add(path, fork, first, Math.min(SEGMENT_BLOCKS, blocks - first));
    }
  }

  private String folder(int tablespace, int database) {
    String oid = Integer.toUnsignedString(database);
    return switch (tablespace) {
      case DirectoryKeys.GLOBAL_TABLESPACE -> "global";
      case DirectoryKeys.DEFAULT_TABLESPACE -> "base/" + oid;
      default -> tablespaceFolder(tablespace) + "/" + oid;
    };
  }

  private String tablespaceFolder(int tablespace) {
    return "pg_tblspc/"
        + Integer.toUnsignedString(tablespace)
        + "/"
        + DataFiles.tablespaceFolder(version);
  }

  /// Work that writes to the tar.
  private interface Writing {
    void run() throws IOException;
  }

  /// Carries a failed write through a scan of the store, which knows nothing of I/O.
  private static void checked(Writing work) {
    try {
      work.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void unchecked(Runnable scan) throws IOException {
    try {
      scan.run();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
