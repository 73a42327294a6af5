package dev.varve.postgres.relmap;

import static dev.varve.postgres.PgLayout.BYTE;
import static dev.varve.postgres.PgLayout.INT;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/// A relation map, `pg_filenode.map`: which file numbers the catalogs have that can't be looked up
/// in a catalog. One for each database, and one (in `global`) for the shared catalogs. Immutable.
///
/// | 14, 15  | from 16 | field                                                                     |
/// |---------|---------|---------------------------------------------------------------------------|
/// | 0-3     | =       | magic number `592717`                                                     |
/// | 4-7     | =       | number of mappings in use: at most 62, from version 16 on 64              |
/// | 8-503   | 8-519   | mappings: OID of the catalog, relation file number                        |
/// | 504-507 | 520-523 | CRC-32C of all before it                                                  |
/// | 508-511 | –       | padding                                                                   |
///
/// PostgreSQL's `utils/cache/relmapper.c`.
public final class RelationMap {

  private static final int MAGIC = 0x0059_2717;
  private static final int HEADER = 8;
  private static final int MAPPING = 8;

  private final MemorySegment bytes;

  private RelationMap(MemorySegment bytes) {
    this.bytes = bytes;
  }

  /// The size of the file.
  public static int bytes(PgVersion version) {
    return version.isAtLeast(PgVersion.V16) ? 524 : 512;
  }

  private static int capacity(PgVersion version) {
    return version.isAtLeast(PgVersion.V16) ? 64 : 62;
  }

  /// Copies and validates a map.
  ///
  /// @throws PageserverException.DataCorrupted if it is torn or damaged
  public static RelationMap parse(PgVersion version, MemorySegment source) {
    String damage = damage(version, source);
    if (damage != null) {
      throw new PageserverException.DataCorrupted("a relation map is damaged: " + damage);
    }
    return new RelationMap(MemorySegment.ofArray(source.toArray(BYTE)));
  }

  /// What is wrong with the bytes as a map of this version, or null.
  public static @Nullable String damage(PgVersion version, MemorySegment source) {
    if (source.byteSize() != bytes(version)) {
      return "it has " + source.byteSize() + " bytes instead of " + bytes(version);
    }
    if (source.get(INT, 0) != MAGIC) {
      return "it begins with " + HexFormat.of().toHexDigits(source.get(INT, 0));
    }
    int size = source.get(INT, 4);
    if (size < 0 || size > capacity(version)) {
      return "it announces " + Integer.toUnsignedString(size) + " mappings";
    }
    long crcAt = HEADER + (long) capacity(version) * MAPPING;
    var crc = new CRC32C();
    crc.update(source.asSlice(0, crcAt).asByteBuffer());
    return source.get(INT, crcAt) == (int) crc.getValue() ? null : "its checksum is wrong";
  }

  /// How many mappings there are.
  public int size() {
    return bytes.get(INT, 4);
  }

  /// The OID of the catalog that mapping `i` is for.
  public int catalog(int i) {
    return bytes.get(INT, at(i));
  }

  /// The relation file number of mapping `i`.
  public int relation(int i) {
    return bytes.get(INT, at(i) + 4);
  }

  private long at(int i) {
    if (i < 0 || i >= size()) {
      throw new IllegalArgumentException("mapping " + i + " of " + size());
    }
    return HEADER + (long) i * MAPPING;
  }

  /// The relation file number of a catalog, or 0 if it is not mapped here.
  public int find(int catalog) {
    for (int i = 0; i < size(); i++) {
      if (catalog(i) == catalog) {
        return relation(i);
      }
    }
    return 0;
  }

  /// The file's contents.
  public byte[] toBytes() {
    return bytes.toArray(BYTE);
  }
}
