package dev.varve.postgres.control;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;

/// Which PostgreSQL wrote a control file: versions 14 to 16 share a format, but each major version
/// has catalogs of its own. PostgreSQL's `catalog/catversion.h`.
public final class ControlVersions {

  private ControlVersions() {}

  /// The version of the catalogs of every release of a major version; it is a part of the names of
  /// folders in tablespaces, such as `PG_17_202406281`.
  public static int catalogVersion(PgVersion version) {
    return switch (version) {
      case V14 -> 202_107_181;
      case V15 -> 202_209_061;
      case V16 -> 202_307_071;
      case V17 -> 202_406_281;
      case V18 -> 202_506_291;
    };
  }

  /// @throws PageserverException.InvalidRequest if no release that Varve knows writes both
  static PgVersion of(int controlVersion, int catalogVersion) {
    for (PgVersion version : PgVersion.values()) {
      if (catalogVersion(version) == catalogVersion && version.controlVersion() == controlVersion) {
        return version;
      }
    }
    throw new PageserverException.InvalidRequest(
        "the control file has format version %s and catalog version %s, which no release of PostgreSQL 14 to 18 writes"
            .formatted(
                Integer.toUnsignedString(controlVersion),
                Integer.toUnsignedString(catalogVersion)));
  }
}
