package dev.varve.datadir;

import dev.varve.model.PageserverException;
import java.nio.charset.StandardCharsets;

/// A tablespace besides the two that every cluster has.
///
/// Its value in the store:
///
/// | offset | bytes | holds                                                                   |
/// |--------|-------|-------------------------------------------------------------------------|
/// | 0      | 1     | 0: the path follows; 1: in place, a folder in `pg_tblspc`                |
/// | 1      | rest  | path of the folder that `pg_tblspc/<oid>` links to, UTF-8               |
///
/// @param path what `pg_tblspc/<oid>` links to; empty for a tablespace in place
public record Tablespace(int oid, String path) {

  private static final byte LINKED = 0;
  private static final byte IN_PLACE = 1;

  /// Whether it is a folder in `pg_tblspc`, not a link (`allow_in_place_tablespaces`).
  public boolean inPlace() {
    return path.isEmpty();
  }

  /// The bytes to store.
  public byte[] encode() {
    byte[] text = path.getBytes(StandardCharsets.UTF_8);
    byte[] value = new byte[1 + text.length];
    value[0] = inPlace() ? IN_PLACE : LINKED;
    System.arraycopy(text, 0, value, 1, text.length);
    return value;
  }

  /// The inverse of {@link #encode}.
  ///
  /// @throws PageserverException.DataCorrupted when the bytes can't be such a value
  public static Tablespace decode(int oid, byte[] value) {
    boolean valid =
        switch (value.length) {
          case 0 -> false;
          case 1 -> value[0] == IN_PLACE;
          default -> value[0] == LINKED;
        };
    if (!valid) {
      throw new PageserverException.DataCorrupted(
          "the stored tablespace " + Integer.toUnsignedString(oid) + " has no readable path");
    }
    return new Tablespace(oid, new String(value, 1, value.length - 1, StandardCharsets.UTF_8));
  }
}
