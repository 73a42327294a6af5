package dev.varve.datadir.backup;

import dev.varve.model.PageserverException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// The tars that `pg_basebackup` writes side by side.
///
/// @param base the data directory's
/// @param tablespaces those of tablespaces
/// @param tarsWithWal those that may have WAL segments in them
record BackupFolder(Path base, List<TablespaceTar> tablespaces, List<Path> tarsWithWal) {

  private static final String TAR = "\\.tar(\\.gz|\\.lz4|\\.zst)?";
  private static final Pattern TABLESPACE = Pattern.compile("([1-9][0-9]{0,9})" + TAR);
  private static final Pattern WAL = Pattern.compile("pg_wal" + TAR);
  private static final Pattern BASE = Pattern.compile("base" + TAR);
  private static final List<String> BASES =
      List.of("base.tar", "base.tar.gz", "base.tar.lz4", "base.tar.zst");

  record TablespaceTar(int oid, Path file) {}

  /// @param tar the data directory's, or the folder that has it
  static BackupFolder of(Path tar) throws IOException {
    Path base = tar;
    if (Files.isDirectory(tar)) {
      base =
          BASES.stream()
              .map(tar::resolve)
              .filter(Files::isRegularFile)
              .findFirst()
              .orElse(tar.resolve(BASES.getFirst()));
    }
    if (!Files.isRegularFile(base)) {
      throw new PageserverException.InvalidRequest("there is no file " + base);
    }
    List<TablespaceTar> tablespaces = new ArrayList<>();
    List<Path> wal = new ArrayList<>(List.of(base));
    if (BASE.matcher(name(base)).matches()) {
      try (Stream<Path> files = Files.list(base.toAbsolutePath().getParent())) {
        for (Path file : files.sorted().toList()) {
          Matcher tablespace = TABLESPACE.matcher(name(file));
          if (tablespace.matches()) {
            tablespaces.add(new TablespaceTar(Integer.parseUnsignedInt(tablespace.group(1)), file));
          } else if (WAL.matcher(name(file)).matches()) {
            wal.add(file);
          }
        }
      }
    }
    return new BackupFolder(base, tablespaces, wal);
  }

  /// Where the manifest is, if there is one.
  Path manifest() {
    return base.resolveSibling("backup_manifest");
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }
}
