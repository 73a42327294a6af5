package dev.varve.server.imports;

import dev.varve.datadir.backup.TarImport;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.server.follow.Receivers;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Takes in a base backup from this machine's disk.
final class OfflineImport {

  private final Path tar;
  private final @Nullable Path wal;
  private final Path scratch;
  private final Tenants tenants;

  OfflineImport(Path tar, @Nullable Path wal, Path scratch, Tenants tenants) {
    this.tar = tar;
    this.wal = wal;
    this.scratch = scratch;
    this.tenants = tenants;
  }

  /// @throws IOException naming the backup, when it can't be read; nothing is left then
  void run(ImportJob job, TimelineId id) throws IOException {
    try {
      take(job, id);
    } catch (FileSystemException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(
          "the backup %s can't be read: %s; copy or take it anew".formatted(tar, e.getMessage()),
          e);
    }
  }

  private void take(ImportJob job, TimelineId id) throws IOException {
    job.phase("reading the backup's label");
    TarImport backup = TarImport.open(tar, wal);
    job.total(Files.isRegularFile(tar) ? Files.size(tar) : 0);
    Timeline timeline =
        tenants.createRoot(
            new TenantId(id.high(), id.low()),
            id,
            job.name(),
            backup.version().major(),
            backup.start(),
            Map.of(Receivers.SYSTEM_IDENTIFIER, Long.toUnsignedString(backup.systemIdentifier())));
    try {
      job.phase("taking in files and WAL");
      TarImport.Result result = backup.run(timeline, scratch, (bytes, _) -> job.progress(bytes));
      timeline.checkpoint();
      List<String> warnings = new ArrayList<>(result.files().warnings());
      result
          .walEnd()
          .ifPresent(
              why -> warnings.add("the WAL was taken in up to " + result.end() + ": " + why));
      warnings.addAll(result.leftOut());
      job.warn(warnings);
    } catch (IOException | RuntimeException e) {
      tenants.delete(timeline);
      throw e;
    }
  }
}
