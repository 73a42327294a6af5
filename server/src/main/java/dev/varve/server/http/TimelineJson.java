package dev.varve.server.http;

import dev.varve.server.follow.Receivers;
import dev.varve.task.TaskReport;
import dev.varve.timeline.DamagedFile;
import dev.varve.timeline.EvictionState;
import dev.varve.timeline.LayerCount;
import dev.varve.timeline.LayerReport;
import dev.varve.timeline.Lease;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineCounts;
import dev.varve.timeline.TimelineState;
import dev.varve.timeline.UploadState;
import dev.varve.walreceiver.WalReceiverStatus;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Timelines and what belongs to them, as the API describes them: what is in memory of them.
final class TimelineJson {

  private final Tenants tenants;
  private final Receivers receivers;

  TimelineJson(Tenants tenants, Receivers receivers) {
    this.tenants = tenants;
    this.receivers = receivers;
  }

  ObjectNode timeline(Timeline timeline) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.put("tenant_id", timeline.tenant().toString());
    json.put("timeline_id", timeline.id().toString());
    json.put("name", timeline.name());
    json.put("state", timeline.state().word());
    json.put("state_reason", reason(timeline.state()));
    json.put("pg_version", timeline.pgVersion());
    json.put("created_at", timeline.created().toString());
    timeline
        .ancestor()
        .ifPresentOrElse(
            ancestor -> {
              json.put("ancestor_timeline_id", ancestor.toString());
              json.put("ancestor_lsn", timeline.ancestorLsn().toString());
              tenants
                  .find(timeline.tenant(), ancestor)
                  .ifPresent(found -> json.put("ancestor_name", found.name()));
            },
            () -> json.putNull("ancestor_timeline_id").putNull("ancestor_lsn"));
    json.put("last_record_lsn", timeline.lastRecordLsn().toString());
    json.put("disk_consistent_lsn", timeline.diskConsistentLsn().toString());
    json.put("min_readable_lsn", timeline.readableFrom().toString());
    ArrayNode leases = json.putArray("leases");
    for (Lease lease : timeline.leases()) {
      leases
          .addObject()
          .put("lsn", lease.lsn().toString())
          .put("valid_until", lease.until().toString());
    }
    json.put("compaction_suspended", timeline.compactionSuspended());
    json.put("current_physical_size", timeline.layerBytes());
    json.put("layer_count", timeline.layerCount());
    layers(timeline, json);
    timeline.uploadState().ifPresent(state -> upload(state, json));
    ingest(timeline.metrics().counts(), json.putObject("ingest"));
    receivers.status(timeline).ifPresent(status -> json.set("wal_receiver", receiver(status)));
    return json;
  }

  private static void layers(Timeline timeline, ObjectNode json) {
    ObjectNode byLevel = json.putObject("layers_by_level");
    int[] counts = timeline.layersByLevel();
    for (int level = 0; level < counts.length; level++) {
      if (counts[level] > 0) {
        byLevel.put(Integer.toString(level), counts[level]);
      }
    }
    LayerCount.of(timeline)
        .ifPresentOrElse(
            states -> {
              json.put("at_rest", false);
              byState(states, json);
            },
            () -> json.put("at_rest", true).putNull("layers_by_state"));
    ArrayNode damaged = json.putArray("damaged_files");
    for (DamagedFile file : timeline.damagedFiles()) {
      damaged
          .addObject()
          .put("path", file.file().toString())
          .put("finding", file.finding())
          .put("since", file.since().toString());
    }
  }

  static void byState(List<LayerCount> counts, ObjectNode json) {
    ObjectNode byState = json.putObject("layers_by_state");
    for (LayerCount one : counts) {
      byState.putObject(one.state()).put("count", one.layers()).put("bytes", one.bytes());
    }
  }

  private static void upload(UploadState state, ObjectNode json) {
    json.put("remote_consistent_lsn", state.remoteConsistentLsn().toString());
    json.put("waiting_since", text(state.waitingSince()));
    json.put("waiting_layers", state.waitingLayers());
    json.put("waiting_bytes", state.waitingBytes());
    json.put("index_uploaded_at", text(state.indexPutAt()));
    json.put("upload_failure", state.failure().orElse(null));
  }

  private static @Nullable String text(Optional<Instant> time) {
    return time.map(Instant::toString).orElse(null);
  }

  static ObjectNode layer(LayerReport layer) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.put("file", layer.file());
    json.put("kind", layer.kind().name().toLowerCase(Locale.ROOT));
    json.put("level", layer.level());
    json.put("bytes", layer.bytes());
    json.put("lsn_start", layer.lsns().start().toString());
    json.put("lsn_end", layer.lsns().end().toString());
    json.put("state", layer.state());
    layer.reason().ifPresent(reason -> json.put("state_reason", reason));
    layer.until().ifPresent(until -> json.put("retry_after", until.toString()));
    json.put("last_access", layer.lastAccess().toString());
    json.put("uploaded", layer.isUploaded().orElse(null));
    return json;
  }

  static ObjectNode eviction(EvictionState state) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.put("evicted_layers", state.layers());
    json.put("evicted_bytes", state.bytes());
    json.put("disk_used_percent", state.usedPercent());
    json.put("disk_looked_at", text(state.lookedAt()));
    json.put("shortage", state.shortage().orElse(null));
    return json;
  }

  private static void ingest(TimelineCounts counts, ObjectNode json) {
    json.put("bytes", counts.bytesIngested());
    json.put("slowed_count", counts.slowedTimes());
    json.put("slowed_seconds", counts.slowedNanos() / 1e9);
    json.put("stopped_count", counts.stoppedTimes());
    json.put("stopped_seconds", counts.stoppedNanos() / 1e9);
  }

  private static @Nullable String reason(TimelineState state) {
    return switch (state) {
      case TimelineState.Failing(String reason) -> reason;
      case TimelineState.Broken(String reason) -> reason;
      case TimelineState.Lost(String reason) -> reason;
      case TimelineState.Importing _,
          TimelineState.Active _,
          TimelineState.Stopped _,
          TimelineState.Deleting _ ->
          null;
    };
  }

  static ObjectNode receiver(WalReceiverStatus status) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.put("source", status.source());
    json.put("state", status.state().name().toLowerCase(Locale.ROOT));
    json.put("last_received_msg_lsn", status.received().toString());
    Instant heard = status.lastMessage();
    json.put("last_received_msg_ts", heard == null ? null : heard.toString());
    json.put("source_lsn", status.sourceEnd().toString());
    json.put("reported_flush_lsn", status.flushed().toString());
    json.put("slot", status.slot());
    json.put("last_error", status.lastError());
    return json;
  }

  static ObjectNode task(TaskReport report) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.put("kind", report.kind().toString());
    json.put("name", report.name());
    json.put("lane", report.lane());
    json.put("state", report.state().toString());
    json.put("runs", report.runs());
    json.put("failures", report.failures());
    json.put("last_failure", report.lastFailure());
    Instant next = report.nextRun();
    json.put("next_run", next == null ? null : next.toString());
    return json;
  }
}
