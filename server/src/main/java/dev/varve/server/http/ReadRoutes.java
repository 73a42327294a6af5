package dev.varve.server.http;

import dev.varve.datadir.CommitTimes;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.restore.BaseBackup;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.server.follow.Receivers;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/// What reads a timeline: pages, base backups, LSNs of times.
final class ReadRoutes {

  private static final int PAGE_SIZE = 8192;
  private static final List<String> FORKS = List.of("main", "fsm", "vm", "init");
  private static final long LONGEST_WAIT_MS = 24L * 60 * 60 * 1000;

  private final Tenants tenants;
  private final Receivers receivers;
  private final InstantSource clock;

  ReadRoutes(Tenants tenants, Receivers receivers, InstantSource clock) {
    this.tenants = tenants;
    this.receivers = receivers;
    this.clock = clock;
  }

  void lsnByTimestamp(Call call) throws IOException {
    Timeline timeline = TenantRoutes.find(tenants, call);
    var time = Call.instant(call.requiredQuery("timestamp"));
    ObjectNode answer = Call.JSON.createObjectNode();
    CommitTimes.Place place = receivers.find(timeline, time);
    answer.put("lsn", place.lsn().toString());
    answer.put("kind", place.kind().name().toLowerCase(Locale.ROOT).replace("_", ""));
    call.answer(200, answer);
  }

  void waitLsn(Call call) throws IOException {
    Timeline timeline = TenantRoutes.find(tenants, call);
    Lsn lsn = Call.parse(call.requiredQuery("lsn"), Lsn::parse);
    long timeout = Math.clamp(call.number("timeout_ms", 60_000), 0, LONGEST_WAIT_MS);
    timeline.awaitLsn(lsn, Duration.ofMillis(timeout));
    ObjectNode answer = Call.JSON.createObjectNode();
    answer.put("last_record_lsn", timeline.lastRecordLsn().toString());
    call.answer(200, answer);
  }

  void page(Call call) throws IOException {
    Timeline timeline = TenantRoutes.find(tenants, call);
    Lsn lsn = call.lsn("lsn").orElseGet(timeline::lastRecordLsn);
    RelationFork fork = relation(call.requiredQuery("relation"), call.query("fork").orElse("main"));
    long block = call.number("block", 0);
    DataDirectory directory = DataDirectory.at(timeline, lsn);
    int blocks = directory.blocks(fork);
    if (block < 0 || block >= Integer.toUnsignedLong(blocks)) {
      throw new InvalidRequest(
          fork
              + " has "
              + Integer.toUnsignedString(blocks)
              + " blocks at "
              + lsn
              + "; there is no block "
              + block);
    }
    byte[] page = new byte[PAGE_SIZE];
    directory.page(fork, (int) block, MemorySegment.ofArray(page));
    call.header("X-Varve-Lsn", lsn.toString());
    call.header("X-Varve-Pg-Version", Integer.toString(timeline.pgVersion()));
    call.bytes(200, "application/octet-stream", page);
  }

  private static RelationFork relation(String text, String forkName) {
    int fork = FORKS.indexOf(forkName);
    String[] parts = text.split("/", -1);
    if (fork < 0) {
      throw new InvalidRequest("there is no fork " + forkName + "; forks are " + FORKS);
    }
    if (parts.length != 3) {
      throw new InvalidRequest(
          "a relation is tablespace/database/relfilenode, such as 1663/5/16384, not \""
              + text
              + "\"");
    }
    return new RelationFork(
        Call.parse(parts[0], Integer::parseUnsignedInt),
        Call.parse(parts[1], Integer::parseUnsignedInt),
        Call.parse(parts[2], Integer::parseUnsignedInt),
        fork);
  }

  void fullBackup(Call call) throws IOException {
    Timeline timeline = TenantRoutes.find(tenants, call);
    Lsn lsn =
        call.lsn("lsn")
            .or(() -> call.time("timestamp").map(time -> receivers.lsnAt(timeline, time)))
            .orElseGet(timeline::lastRecordLsn);
    var backup = BaseBackup.of(timeline, lsn, clock.instant());
    call.header("X-Varve-Lsn", lsn.toString());
    call.header("X-Varve-Bytes", Long.toString(backup.estimatedBytes()));
    OutputStream body = call.stream("application/x-tar");
    backup.write(body);
    body.close(); // Not after a failure: it would make what there is look whole.
  }
}
