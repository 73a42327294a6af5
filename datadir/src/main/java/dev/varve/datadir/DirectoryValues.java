package dev.varve.datadir;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Reads the values of {@link DirectoryKeys} that are more than their bytes.
public final class DirectoryValues {

  private DirectoryValues() {}

  /// The running checkpoint, from its value and that of {@link DirectoryKeys#NEXT_XID}: the greater
  /// next transaction ID is the later one.
  ///
  /// @param nextXid null when there is none yet
  /// @throws PageserverException.DataCorrupted when a value has not its length
  public static CheckPoint checkPoint(PgVersion version, byte[] value, byte @Nullable [] nextXid) {
    requireLength("the running checkpoint", value, CheckPoint.BYTES);
    CheckPoint checkPoint = CheckPoint.read(version, MemorySegment.ofArray(value), 0);
    if (nextXid != null) {
      requireLength("the next transaction ID", nextXid, Long.BYTES);
      long next = MemorySegment.ofArray(nextXid).get(PgLayout.LONG, 0);
      if (next - checkPoint.nextXid() > 0) {
        checkPoint.setNextXid(next);
      }
    }
    return checkPoint;
  }

  /// A number of blocks or pages, unsigned.
  ///
  /// @throws PageserverException.DataCorrupted when the value has not its length
  public static long size(byte[] value) {
    requireLength("a size", value, Integer.BYTES);
    return Integer.toUnsignedLong(MemorySegment.ofArray(value).get(PgLayout.INT, 0));
  }

  private static void requireLength(String what, byte[] value, int length) {
    if (value.length != length) {
      throw new PageserverException.DataCorrupted(
          what + " is stored in " + value.length + " bytes, not " + length);
    }
  }
}
