package dev.varve.server.imports;

import dev.varve.datadir.backup.BackupImport;
import dev.varve.datadir.backup.ImportSummary;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.server.follow.Receivers;
import dev.varve.server.follow.Slots;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.walreceiver.Preflight;
import dev.varve.walreceiver.ReceiverState;
import dev.varve.walreceiver.Source;
import dev.varve.walreceiver.SourceFacts;
import dev.varve.walreceiver.WalReceiverStatus;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.BackupHandler;
import dev.varve.walreceiver.replication.BackupOptions;
import dev.varve.walreceiver.replication.BackupResult;
import dev.varve.walreceiver.replication.BackupStart;
import dev.varve.walreceiver.replication.BackupTablespace;
import dev.varve.walreceiver.replication.ReplicationClient;
import dev.varve.walreceiver.replication.TimelineHistory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Takes in a running server: a slot that keeps its WAL, a base backup, then the WAL from the
/// backup's start on, by which the timeline becomes readable at the backup's end.
final class OnlineImport {

  private static final String APPLICATION = "varve";

  private final ConnectionInfo connection;
  private final Tenants tenants;
  private final Receivers receivers;

  OnlineImport(ConnectionInfo connection, Tenants tenants, Receivers receivers) {
    this.connection = connection.withDefaultApplicationName(APPLICATION);
    this.tenants = tenants;
    this.receivers = receivers;
  }

  /// @throws IOException with one sentence, when the source refuses or is lost; neither timeline
  ///   nor slot is left then
  void run(ImportJob job, TimelineId id) throws IOException, InterruptedException {
    try (ReplicationClient client = ReplicationClient.connect(connection)) {
      SourceFacts facts = Preflight.check(client);
      String slot = Slots.name(id);
      receivers.note(
          id,
          new Source(connection, Optional.of(slot), facts.identity().systemId(), facts.major()));
      var files = new Files(job, id, facts, history(client, facts.identity().timeline()));
      try {
        client.createPhysicalSlot(slot, false);
        job.phase("copying files");
        BackupResult backup = client.baseBackup(BackupOptions.standard(), files);
        Timeline timeline = files.finish();
        job.phase("taking in the WAL of the backup");
        receivers.start(timeline);
        awaitEnd(timeline, backup.end());
        timeline.markImported(backup.end());
      } catch (IOException | RuntimeException | InterruptedException e) {
        files.close();
        undo(id, files.timeline, e);
        throw e;
      }
    }
  }

  /// Where the source's PostgreSQL timelines forked, which a base backup does not say.
  private static Optional<TimelineHistory> history(ReplicationClient client, int timeline)
      throws IOException {
    return timeline == 1 ? Optional.empty() : Optional.of(client.timelineHistory(timeline));
  }

  private void undo(TimelineId id, @Nullable Timeline timeline, Exception because) {
    try {
      receivers.forget(id).ifPresent(warning -> because.addSuppressed(new IOException(warning)));
      if (timeline != null) {
        tenants.delete(timeline);
      }
    } catch (RuntimeException e) {
      because.addSuppressed(e);
    }
  }

  /// Waits for the backup's last WAL, as long as the source can bring it.
  private void awaitEnd(Timeline timeline, Lsn end) throws IOException, InterruptedException {
    while (timeline.lastRecordLsn().isBefore(end)) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      try {
        timeline.awaitLsn(end, Duration.ofMillis(200));
      } catch (Unavailable e) {
        WalReceiverStatus status = receivers.status(timeline).orElseThrow();
        if (status.state() == ReceiverState.BLOCKED) {
          throw new IOException(
              "the WAL of the backup does not come: " + status.lastError() + "; import again", e);
        }
      }
    }
  }

  /// The backup's files on their way into a timeline, which is made when the start is known.
  private final class Files implements BackupHandler, AutoCloseable {

    private final ImportJob job;
    private final TimelineId id;
    private final SourceFacts facts;
    private final Optional<TimelineHistory> history;
    private @Nullable Timeline timeline;
    private @Nullable BackupImport files;

    Files(ImportJob job, TimelineId id, SourceFacts facts, Optional<TimelineHistory> history) {
      this.job = job;
      this.id = id;
      this.facts = facts;
      this.history = history;
    }

    @Override
    public void started(BackupStart start) {
      job.total(start.estimatedBytes());
      Timeline made =
          tenants.createRoot(
              new TenantId(id.high(), id.low()),
              id,
              job.name(),
              facts.major(),
              start.start(),
              Map.of(Receivers.SYSTEM_IDENTIFIER, facts.identity().systemIdText()));
      timeline = made;
      var target = new BackupImport(made, (bytes, _) -> job.progress(bytes));
      files = target;
      for (BackupTablespace tablespace : start.tablespaces()) {
        if (!tablespace.isDataDirectory()) {
          target.tablespace(tablespace.oid(), tablespace.location());
        }
      }
    }

    @Override
    public void archive(BackupTablespace tablespace, InputStream tar) throws IOException {
      if (files == null) {
        throw new IOException("the source sent files before it said where the backup starts");
      }
      files.tar(tar, tablespace.oid(), true);
    }

    private void takeHistory(BackupImport target, TimelineHistory file) throws IOException {
      byte[] content = file.content().getBytes(StandardCharsets.UTF_8);
      target.file(
          0, "pg_wal/" + file.fileName(), content.length, new ByteArrayInputStream(content));
    }

    Timeline finish() throws IOException {
      if (files == null || timeline == null) {
        throw new IOException("the source sent no backup");
      }
      if (history.isPresent()) {
        takeHistory(files, history.get());
      }
      ImportSummary summary = files.finish();
      job.warn(summary.warnings());
      files.close();
      return timeline;
    }

    @Override
    public void close() {
      if (files != null) {
        files.close();
      }
    }
  }
}
