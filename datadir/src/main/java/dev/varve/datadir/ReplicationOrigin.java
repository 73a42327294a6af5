package dev.varve.datadir;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// How far a replication origin had been replayed: what `pg_logical/replorigin_checkpoint` keeps.
///
/// Its value in the store:
///
/// | offset | bytes | holds                               |
/// |--------|-------|-------------------------------------|
/// | 0      | 8     | LSN of the origin's server          |
/// | 8      | 8     | LSN of the record here that says so |
///
/// @param id of the origin, 1 to 65535
/// @param remote LSN of the origin's server up to which all is replayed
/// @param local LSN of the record here that says so
public record ReplicationOrigin(int id, Lsn remote, Lsn local) {

  static final int BYTES = 16;

  /// The bytes to store.
  public byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(remote.value())
        .putLong(local.value())
        .array();
  }

  /// The inverse of {@link #encode}.
  ///
  /// @throws PageserverException.DataCorrupted when the bytes can't be such a value
  public static ReplicationOrigin decode(int id, byte[] value) {
    if (value.length != BYTES) {
      throw new PageserverException.DataCorrupted(
          "the stored replication origin " + id + " has " + value.length + " bytes, not " + BYTES);
    }
    ByteBuffer bytes = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    return new ReplicationOrigin(id, new Lsn(bytes.getLong()), new Lsn(bytes.getLong()));
  }
}
