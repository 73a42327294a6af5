package dev.varve.datadir.backup;

import dev.varve.datadir.CraftedTimeline;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;

/// The files of a small backup, and a tar of them.
final class CraftedBackup {

  static final Lsn START = new Lsn(0x30_0000);

  private final Map<String, byte[]> files = new LinkedHashMap<>();
  private final Map<String, String> links = new LinkedHashMap<>();

  /// A stopped server with one database and no relation.
  static CraftedBackup stopped(PgVersion version) {
    var backup = new CraftedBackup();
    String text = version.major() + "\n";
    backup.file("PG_VERSION", text).file("base/5/PG_VERSION", text);
    ControlFile control = CraftedTimeline.controlFile(version);
    CheckPoint checkPoint = control.checkPoint();
    checkPoint.setRedo(START.value());
    checkPoint.setTli(1);
    checkPoint.setNextXid(700);
    control.setCheckPoint(checkPoint);
    control.setState(ClusterState.SHUT_DOWN);
    return backup.file("global/pg_control", control.toBytes());
  }

  CraftedBackup file(String path, byte[] contents) {
    files.put(path, contents);
    return this;
  }

  CraftedBackup file(String path, String contents) {
    return file(path, contents.getBytes(StandardCharsets.UTF_8));
  }

  CraftedBackup link(String path, String target) {
    links.put(path, target);
    return this;
  }

  CraftedBackup without(String path) {
    files.remove(path);
    return this;
  }

  byte[] tar() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var entries = new TarArchiveOutputStream(bytes)) {
      entries.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        var entry = new TarArchiveEntry(file.getKey(), true);
        entry.setSize(file.getValue().length);
        entries.putArchiveEntry(entry);
        entries.write(file.getValue());
        entries.closeArchiveEntry();
      }
      for (Map.Entry<String, String> link : links.entrySet()) {
        var entry = new TarArchiveEntry(link.getKey(), TarConstants.LF_SYMLINK);
        entry.setLinkName(link.getValue());
        entries.putArchiveEntry(entry);
        entries.closeArchiveEntry();
      }
    }
    return bytes.toByteArray();
  }
}
