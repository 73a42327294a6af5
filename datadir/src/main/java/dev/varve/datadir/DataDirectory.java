package dev.varve.datadir;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// A PostgreSQL data directory as it was at one LSN: a view of a timeline. Any number of threads.
///
/// A view answers for its own LSN only, and so do the relation sizes that it remembers: there is
/// nothing to invalidate, and a view of an older LSN can't mislead another one. Every method throws
/// what {@link Timeline#page} throws about its LSN.
public final class DataDirectory {

  /// As many sizes are remembered; then all are forgotten.
  private static final int MAX_SIZES = 1 << 16;

  private static final long ABSENT = -1;

  private final Timeline timeline;
  private final Lsn lsn;
  private final ConcurrentHashMap<RelationFork, Long> sizes = new ConcurrentHashMap<>();

  private DataDirectory(Timeline timeline, Lsn lsn) {
    this.timeline = timeline;
    this.lsn = lsn;
  }

  /// The view as of `lsn`, with what happened at `lsn` in it. Costs nothing.
  public static DataDirectory at(Timeline timeline, Lsn lsn) {
    return new DataDirectory(timeline, lsn);
  }

  public Timeline timeline() {
    return timeline;
  }

  public Lsn lsn() {
    return lsn;
  }

  public PgVersion version() {
    return PgVersion.ofMajor(timeline.pgVersion());
  }

  public boolean exists(RelationFork fork) {
    return size(fork) != ABSENT;
  }

  /// How many blocks a fork has, unsigned. A map that isn't there has none.
  ///
  /// @throws PageserverException.NotFound when there is no such relation
  public int blocks(RelationFork fork) {
    long size = size(fork);
    if (size != ABSENT) {
      return (int) size;
    }
    return switch (fork.fork()) {
      case RelationFork.FREE_SPACE_MAP, RelationFork.VISIBILITY_MAP -> 0;
      default ->
          throw new PageserverException.NotFound(
              "there is no relation " + fork + " in " + timeline.name() + " at " + lsn);
    };
  }

  /// Writes a page of a relation into `target`; past the end of the fork it is zero, as PostgreSQL
  /// may read there while it extends a relation.
  ///
  /// @param block number, unsigned
  /// @param target 8192 bytes; undefined after an exception
  /// @throws PageserverException.NotFound when there is no such relation
  public void page(RelationFork fork, int block, MemorySegment target) {
    if (Integer.compareUnsigned(block, blocks(fork)) >= 0) {
      target.asSlice(0, Page.SIZE).fill((byte) 0);
      return;
    }
    timeline.page(DirectoryKeys.relationBlock(fork, block), lsn, target);
  }

  /// Bytes of all forks of all relations of a database, in all tablespaces.
  public long databaseBytes(int database) {
    long[] blocks = {0};
    for (Database folder : databases()) {
      if (folder.database() == database) {
        forEachRelation(folder.tablespace(), database, (_, size) -> blocks[0] += size);
      }
    }
    return blocks[0] * Page.SIZE;
  }

  /// The folders of databases: a database has one in each tablespace that it uses. Only the one in
  /// its own tablespace has a `PG_VERSION`; the others are there because relations are in them.
  public List<Database> databases() {
    List<Database> databases = new ArrayList<>();
    Set<Database> known = new HashSet<>();
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.DATABASE),
        lsn,
        (key, value) -> {
          known.add(new Database(key.tablespace(), key.database(), ""));
          databases.add(
              new Database(
                  key.tablespace(),
                  key.database(),
                  new String(bytes(value), StandardCharsets.US_ASCII)));
        });
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.RELATION_SIZE),
        lsn,
        (key, _) -> {
          var folder = new Database(key.tablespace(), key.database(), "");
          if (key.tablespace() != DirectoryKeys.GLOBAL_TABLESPACE && known.add(folder)) {
            databases.add(folder);
          }
        });
    return databases;
  }

  /// All relation forks of a database in one tablespace. The relations that databases share are
  /// those of database 0 in `pg_global`.
  public void forEachRelation(int tablespace, int database, RelationSink sink) {
    timeline.scan(
        DirectoryKeys.relationSizes(tablespace, database),
        lsn,
        (key, value) ->
            sink.relation(DirectoryKeys.relationOf(key), DirectoryValues.size(bytes(value))));
  }

  /// The contents of `pg_filenode.map`; null when there is none.
  ///
  /// @param database 0 in `pg_global`
  public byte @Nullable [] relationMap(int tablespace, int database) {
    return timeline.value(DirectoryKeys.relationMap(tablespace, database), lsn);
  }

  /// The segments of an SLRU, in order.
  public List<SlruSegment> slruSegments(Slru slru) {
    List<SlruSegment> segments = new ArrayList<>();
    timeline.scan(
        DirectoryKeys.slruSizes(slru),
        lsn,
        (key, value) ->
            segments.add(
                new SlruSegment(slru, key.relation(), (int) DirectoryValues.size(bytes(value)))));
    return segments;
  }

  /// Writes a page of an SLRU into `target`.
  ///
  /// @param page number from the start of the SLRU; it must be on a segment that is there
  /// @param target 8192 bytes; undefined after an exception
  public void slruPage(Slru slru, int page, MemorySegment target) {
    timeline.page(DirectoryKeys.slruPage(slru, page), lsn, target);
  }

  /// The transactions that are prepared and not yet ended.
  public void forEachPrepared(PreparedSink sink) {
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.PREPARED),
        lsn,
        (key, value) -> sink.prepared(key.middle(), bytes(value)));
  }

  /// The tablespaces besides `pg_default` and `pg_global`.
  public List<Tablespace> tablespaces() {
    List<Tablespace> tablespaces = new ArrayList<>();
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.TABLESPACE),
        lsn,
        (key, value) -> tablespaces.add(Tablespace.decode(key.tablespace(), bytes(value))));
    return tablespaces;
  }

  public List<ReplicationOrigin> replicationOrigins() {
    List<ReplicationOrigin> origins = new ArrayList<>();
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.REPLICATION_ORIGIN),
        lsn,
        (key, value) -> origins.add(ReplicationOrigin.decode(key.block(), bytes(value))));
    return origins;
  }

  /// Files that are kept as they were at the import, such as configuration; by no order in
  /// particular. Their contents: {@link #copy}.
  public List<OtherFile> otherFiles() {
    List<OtherFile> files = new ArrayList<>();
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.OTHER_FILE),
        lsn,
        (_, value) -> files.add(OtherFile.decode(bytes(value))));
    return files;
  }

  /// One of these files; empty when there is none at that path.
  public Optional<OtherFile> otherFile(String path) {
    byte[] value = timeline.value(DirectoryKeys.otherFile(path), lsn);
    return Optional.ofNullable(value).map(OtherFile::decode);
  }

  /// Writes the contents of one of these files, with at most a piece of it in memory.
  ///
  /// @throws PageserverException.DataCorrupted when a piece is missing
  public void copy(OtherFile file, OutputStream out) throws IOException {
    if (!file.inPieces()) {
      out.write(OtherFile.contents(required(DirectoryKeys.otherFile(file.path()))));
      return;
    }
    for (int i = 0; i < file.pieces(); i++) {
      byte[] piece = required(DirectoryKeys.otherFilePiece(file.path(), i));
      if (piece.length != file.pieceSize(i)) {
        throw new PageserverException.DataCorrupted(
            "piece %d of the file %s in %s has %d bytes, not %d"
                .formatted(i, file.path(), timeline.name(), piece.length, file.pieceSize(i)));
      }
      out.write(piece);
    }
  }

  /// The control file, with the server's parameters as of this LSN. Its checkpoint is the one that
  /// it had at the import: {@link #checkPoint()} is what holds here.
  public ControlFile control() {
    return ControlFile.parse(MemorySegment.ofArray(required(DirectoryKeys.CONTROL_FILE)));
  }

  /// What a checkpoint taken at exactly this LSN would say: next transaction ID, OID, multixact and
  /// so on. Its redo location and time are those of the last real checkpoint.
  public CheckPoint checkPoint() {
    return DirectoryValues.checkPoint(
        version(), required(DirectoryKeys.CHECKPOINT), timeline.value(DirectoryKeys.NEXT_XID, lsn));
  }

  private byte[] required(Key key) {
    byte[] value = timeline.value(key, lsn);
    if (value == null) {
      throw new PageserverException.DataCorrupted(
          "the timeline " + timeline.name() + " has no value " + key + " at " + lsn);
    }
    return value;
  }

  private long size(RelationFork fork) {
    Long known = sizes.get(fork);
    if (known != null) {
      return known;
    }
    byte[] value = timeline.value(DirectoryKeys.relationSize(fork), lsn);
    long size = value == null ? ABSENT : DirectoryValues.size(value);
    if (sizes.size() >= MAX_SIZES) {
      sizes.clear();
    }
    sizes.put(fork, size);
    return size;
  }

  private static byte[] bytes(MemorySegment value) {
    return value.toArray(PgLayout.BYTE);
  }

  @Override
  public String toString() {
    return "data directory of " + timeline.name() + " at " + lsn;
  }
}
