package dev.varve.postgres;

import java.util.Locale;

/// A major version of PostgreSQL that Varve understands; the on-disk formats change only with it.
///
/// | version | page magic of the WAL (`XLOG_PAGE_MAGIC`) | `pg_control_version` |
/// |---------|-------------------------------------------|----------------------|
/// | 14      | `D10D`                                    | 1300                 |
/// | 15      | `D110`                                    | 1300                 |
/// | 16      | `D113`                                    | 1300                 |
/// | 17      | `D116`                                    | 1700                 |
/// | 18      | `D118`                                    | 1800                 |
public enum PgVersion {
  V14(14, 0xD10D, 1300),
  V15(15, 0xD110, 1300),
  V16(16, 0xD113, 1300),
  V17(17, 0xD116, 1700),
  V18(18, 0xD118, 1800);

  private static final PgVersion[] ALL = values();

  private final int major;
  private final int walMagic;
  private final int controlVersion;

  PgVersion(int major, int walMagic, int controlVersion) {
    this.major = major;
    this.walMagic = walMagic;
    this.controlVersion = controlVersion;
  }

  /// The number before the dot, such as 17.
  public int major() {
    return major;
  }

  /// The first two bytes of every WAL page, as a number.
  public int walMagic() {
    return walMagic;
  }

  /// The `pg_control_version` field of the control file.
  public int controlVersion() {
    return controlVersion;
  }

  public boolean isAtLeast(PgVersion that) {
    return compareTo(that) >= 0;
  }

  /// @throws IllegalArgumentException saying which versions there are, when it is another one
  public static PgVersion ofMajor(int major) {
    for (PgVersion version : ALL) {
      if (version.major == major) {
        return version;
      }
    }
    throw new IllegalArgumentException(
        "PostgreSQL " + major + " is not supported; Varve understands versions 14 to 18");
  }

  /// @throws IllegalArgumentException when no supported version writes WAL pages with this number
  public static PgVersion ofWalMagic(int magic) {
    for (PgVersion version : ALL) {
      if (version.walMagic == magic) {
        return version;
      }
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "%04X is not the magic number of a WAL page of PostgreSQL 14 to 18",
            magic & 0xFFFF));
  }

  @Override
  public String toString() {
    return "PostgreSQL " + major;
  }
}
