package dev.varve.datadir.backup;

import dev.varve.datadir.ReplicationOrigin;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/// The file `pg_logical/replorigin_checkpoint`: how far each replication origin had been replayed.
///
/// | bytes      | field                                                                       |
/// |------------|-----------------------------------------------------------------------------|
/// | 0-3        | magic number `1257DADE`                                                     |
/// | 16 for each | the origin's number u16, 6 bytes of padding, LSN at the origin u64         |
/// | the last 4 | CRC-32C of all that                                                         |
///
/// PostgreSQL's `replication/logical/origin.c`.
public final class OriginsFile {

  /// Its path in a data directory.
  public static final String PATH = "pg_logical/replorigin_checkpoint";

  private static final int MAGIC = 0x1257_DADE;
  private static final int ENTRY = 16;
  private static final int FRAME = 8;

  private OriginsFile() {}

  /// @param local the LSN of this server as of which the origins are taken to be there
  /// @throws PageserverException.DataCorrupted when the file is damaged
  public static List<ReplicationOrigin> parse(byte[] file, Lsn local) {
    MemorySegment bytes = MemorySegment.ofArray(file);
    int entries = (file.length - FRAME) / ENTRY;
    if (file.length != FRAME + entries * ENTRY
        || bytes.get(PgLayout.INT, 0) != MAGIC
        || bytes.get(PgLayout.INT, file.length - 4L) != crc(file, file.length - 4)) {
      throw new PageserverException.DataCorrupted(PATH + " is damaged");
    }
    List<ReplicationOrigin> origins = new ArrayList<>();
    for (int i = 0; i < entries; i++) {
      long at = 4 + (long) i * ENTRY;
      int id = Short.toUnsignedInt(bytes.get(PgLayout.SHORT, at));
      origins.add(new ReplicationOrigin(id, new Lsn(bytes.get(PgLayout.LONG, at + 8)), local));
    }
    return origins;
  }

  /// The file's contents.
  public static byte[] toBytes(List<ReplicationOrigin> origins) {
    byte[] file = new byte[FRAME + origins.size() * ENTRY];
    MemorySegment bytes = MemorySegment.ofArray(file);
    bytes.set(PgLayout.INT, 0, MAGIC);
    for (int i = 0; i < origins.size(); i++) {
      long at = 4 + (long) i * ENTRY;
      bytes.set(PgLayout.SHORT, at, (short) origins.get(i).id());
      bytes.set(PgLayout.LONG, at + 8, origins.get(i).remote().value());
    }
    bytes.set(PgLayout.INT, file.length - 4L, crc(file, file.length - 4));
    return file;
  }

  private static int crc(byte[] bytes, int length) {
    var crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
