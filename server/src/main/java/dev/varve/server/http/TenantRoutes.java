package dev.varve.server.http;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.model.PageserverException.NotFound;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.server.follow.Following;
import dev.varve.server.follow.Receivers;
import dev.varve.timeline.AbsentLayers;
import dev.varve.timeline.LayerReport;
import dev.varve.timeline.Lease;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.Environment;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Tenants and timelines: listing, branching, stopping, deleting, and what their history costs.
final class TenantRoutes {

  private static final SecureRandom IDS = new SecureRandom();
  private static final long UPLOAD_MILLIS = 600_000;
  private static final long DETAIL_MILLIS = 5_000;
  private static final long MOST_MILLIS = 24L * 3600 * 1000;
  private static final Duration RETRY = Duration.ofMillis(100);
  private static final long LEASE_SECONDS = 600;
  private static final long MOST_LEASE_SECONDS = 30L * 24 * 3600;

  private final Tenants tenants;
  private final Receivers receivers;
  private final Following following;
  private final ConfigRoutes config;
  private final TimelineJson json;
  private final TimelineDetail detail = new TimelineDetail();

  TenantRoutes(Tenants tenants, Receivers receivers, ConfigRoutes config, TimelineJson json) {
    this.config = config;
    following = new Following(receivers);
    this.tenants = tenants;
    this.receivers = receivers;
    this.json = json;
  }

  static Timeline find(Tenants tenants, Call call) {
    TenantId tenant = Call.parse(call.path("tenant_id"), TenantId::parse);
    TimelineId id = Call.parse(call.path("timeline_id"), TimelineId::parse);
    return tenants
        .find(tenant, id)
        .orElseThrow(
            () -> new NotFound("tenant " + tenant + " has no timeline " + id + " on this server"));
  }

  private List<Timeline> ofTenant(TenantId tenant) {
    List<Timeline> found = sorted().stream().filter(t -> t.tenant().equals(tenant)).toList();
    if (found.isEmpty()) {
      throw new NotFound("there is no tenant " + tenant + " on this server");
    }
    return found;
  }

  private List<Timeline> sorted() {
    return tenants.timelines().stream().sorted(Comparator.comparing(Timeline::name)).toList();
  }

  void list(Call call) throws IOException {
    ArrayNode list = Call.JSON.createArrayNode();
    sorted().stream()
        .map(Timeline::tenant)
        .distinct()
        .forEach(tenant -> list.addObject().put("id", tenant.toString()));
    call.answer(200, list);
  }

  void tenant(Call call) throws IOException {
    TenantId tenant = Call.parse(call.path("tenant_id"), TenantId::parse);
    List<Timeline> timelines = ofTenant(tenant);
    ObjectNode answer = config.describe(tenant);
    ArrayNode ids = answer.putArray("timelines");
    timelines.forEach(timeline -> ids.add(timeline.id().toString()));
    call.answer(200, answer);
  }

  void attach(Call call) throws IOException {
    answer(call, receivers.attach(Call.parse(call.path("tenant_id"), TenantId::parse)));
  }

  void detach(Call call) throws IOException {
    TenantId tenant = Call.parse(call.path("tenant_id"), TenantId::parse);
    ObjectNode answer = Call.JSON.createObjectNode();
    ArrayNode warnings = answer.putArray("warnings");
    receivers.detach(tenant, limit(call, UPLOAD_MILLIS)).forEach(warnings::add);
    call.answer(200, answer);
  }

  private static Duration limit(Call call, long otherwise) {
    return Duration.ofMillis(Math.clamp(call.number("timeout_ms", otherwise), 0, MOST_MILLIS));
  }

  void timelinesOfTenant(Call call) throws IOException {
    answer(call, ofTenant(Call.parse(call.path("tenant_id"), TenantId::parse)));
  }

  void timelines(Call call) throws IOException {
    answer(call, sorted());
  }

  private void answer(Call call, List<Timeline> timelines) throws IOException {
    ArrayNode list = Call.JSON.createArrayNode();
    timelines.forEach(timeline -> list.add(json.timeline(timeline)));
    call.answer(200, list);
  }

  void timeline(Call call) throws IOException {
    call.answer(200, json.timeline(find(tenants, call)));
  }

  void detail(Call call) throws IOException {
    call.answer(200, detail.of(find(tenants, call), limit(call, DETAIL_MILLIS)));
  }

  void timelineByName(Call call) throws IOException {
    String name = call.path("name");
    Timeline timeline =
        tenants
            .find(name)
            .orElseThrow(
                () -> new NotFound("there is no timeline " + name + "; varve list shows them"));
    call.answer(200, json.timeline(timeline));
  }

  void branch(Call call) throws IOException {
    ObjectNode body = call.body();
    TenantId tenant = Call.parse(call.path("tenant_id"), TenantId::parse);
    TimelineId ancestorId =
        Call.parse(Call.requiredText(body, "ancestor_timeline_id"), TimelineId::parse);
    Timeline ancestor =
        tenants
            .find(tenant, ancestorId)
            .orElseThrow(() -> new NotFound("there is no timeline " + ancestorId + " to branch"));
    TimelineId id =
        Call.text(body, "new_timeline_id")
            .map(text -> Call.parse(text, TimelineId::parse))
            .orElseGet(() -> new TimelineId(IDS.nextLong(), IDS.nextLong()));
    String name = Call.text(body, "name").orElseGet(id::toString);
    requireName(name);
    Optional<Timeline> made =
        tenants.find(tenant, id).filter(branch -> isRepeated(branch, ancestor, name, body));
    Timeline branch =
        made.isPresent()
            ? made.get()
            : tenants.branch(ancestor, id, name, branchPoint(ancestor, body));
    call.answer(201, json.timeline(branch));
  }

  /// Whether a branch is what this request asks for: a client that lost the answer may ask again.
  /// It may not where the moment was left to the server, which would choose another by now.
  private static boolean isRepeated(
      Timeline branch, Timeline ancestor, String name, ObjectNode body) {
    return branch.name().equals(name)
        && branch.ancestor().equals(Optional.of(ancestor.id()))
        && Call.text(body, "ancestor_start_lsn")
            .map(text -> Call.parse(text, Lsn::parse).alignDown().equals(branch.ancestorLsn()))
            .orElse(false);
  }

  static void requireName(String name) {
    if (!name.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,62}")) {
      throw new InvalidRequest(
          "\""
              + name
              + "\" can't be a name: use up to 63 letters, digits, '-', '_' and '.', a letter or"
              + " digit first");
    }
  }

  /// A branch begins where a record ends. What is wrong with an LSN is said of the one that was
  /// given.
  private Lsn branchPoint(Timeline ancestor, ObjectNode body) {
    var lsn = Call.text(body, "ancestor_start_lsn").map(text -> Call.parse(text, Lsn::parse));
    if (lsn.isPresent()) {
      if (lsn.get().isAfter(ancestor.lastRecordLsn())) {
        receivers.awaitSource(ancestor); // which may have written it already
      }
      Tenants.requireBranchPoint(ancestor, lsn.get());
      return lsn.get().alignDown();
    }
    var time = Call.text(body, "ancestor_start_time").map(Call::instant);
    if (time.isPresent()) {
      return receivers.lsnAt(ancestor, time.get());
    }
    return Call.text(body, "ancestor_start").orElse("").equals("now")
        ? receivers.awaitSource(ancestor)
        : ancestor.lastRecordLsn();
  }

  void delete(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    ObjectNode answer = Call.JSON.createObjectNode();
    receivers.delete(timeline).ifPresent(warning -> answer.put("warning", warning));
    call.answer(200, answer);
  }

  void stop(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    receivers.stop(timeline);
    call.answer(200, json.timeline(timeline));
  }

  void start(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    receivers.resume(timeline);
    call.answer(200, json.timeline(timeline));
  }

  /// Has a timeline follow a server, whose connection string the client has completed.
  void follow(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    String from = Call.requiredText(call.body(), "from");
    following.follow(
        timeline, Call.parse(from, text -> ConnectionInfo.parse(text, Environment.ofHome())));
    call.answer(200, json.timeline(timeline));
  }

  void retry(Call call) throws IOException {
    call.answer(200, json.timeline(tenants.retry(find(tenants, call))));
  }

  void walReceiver(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    call.answer(
        200,
        receivers
            .status(timeline)
            .map(TimelineJson::receiver)
            .orElseThrow(() -> new NotFound(timeline.name() + " follows no server")));
  }

  /// Keeps history readable for a while: as of an LSN, or now.
  void lease(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    ObjectNode body = call.body();
    Lsn lsn =
        Call.text(body, "lsn")
            .map(text -> Call.parse(text, Lsn::parse))
            .orElseGet(timeline::lastRecordLsn);
    long seconds = body.path("seconds").asLong(LEASE_SECONDS);
    if (seconds < 1 || seconds > MOST_LEASE_SECONDS) {
      throw new InvalidRequest(
          "a lease is for 1 to " + MOST_LEASE_SECONDS + " seconds, not for " + seconds);
    }
    Lease lease = timeline.lease(lsn, Duration.ofSeconds(seconds));
    ObjectNode answer = Call.JSON.createObjectNode();
    answer.put("lsn", lease.lsn().toString());
    answer.put("valid_until", lease.until().toString());
    call.answer(200, answer);
  }

  void collectGarbage(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    timeline.collectGarbage();
    call.answer(200, json.timeline(timeline));
  }

  void compact(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    timeline.compact();
    call.answer(202, json.timeline(timeline));
  }

  void layers(Call call) throws IOException {
    ArrayNode list = Call.JSON.createArrayNode();
    LayerReport.of(find(tenants, call)).forEach(layer -> list.add(TimelineJson.layer(layer)));
    call.answer(200, list);
  }

  void download(Call call) throws IOException {
    AbsentLayers absent = AbsentLayers.fetch(find(tenants, call));
    ObjectNode answer = Call.JSON.createObjectNode();
    answer.put("layers", absent.layers());
    answer.put("bytes", absent.bytes());
    answer.put("under_way", absent.underWay());
    absent.obstacle().ifPresent(reason -> answer.put("obstacle", reason));
    call.answer(200, answer);
  }

  void eviction(Call call) throws IOException {
    call.answer(
        200,
        tenants
            .eviction()
            .map(TimelineJson::eviction)
            .orElseThrow(() -> new NotFound("this server has no object store")));
  }

  void checkpoint(Call call) throws IOException {
    Timeline timeline = find(tenants, call);
    if (call.query("upload").filter("true"::equals).isPresent()) {
      upload(timeline, System.nanoTime() + limit(call, UPLOAD_MILLIS).toNanos());
    } else {
      timeline.checkpoint();
    }
    call.answer(200, json.timeline(timeline));
  }

  private void upload(Timeline timeline, long end) {
    makeDurable(timeline, end);
    if (!tenants.upload(timeline, Duration.ofNanos(end - System.nanoTime()))) {
      throw new Unavailable(
          "timeline \"%s\" is not in the object store as it is here%s; it goes on"
              .formatted(
                  timeline.name(),
                  timeline
                      .uploadState()
                      .map(state -> state.lost().or(state::failure))
                      .orElse(Optional.of("there is none"))
                      .map(reason -> ": " + reason)
                      .orElse("")));
    }
  }

  /// A full disk has room again when layers are in the object store, and evicted: so what can't be
  /// written is tried again.
  private static void makeDurable(Timeline timeline, long end) {
    while (true) {
      try {
        timeline.checkpoint();
        return;
      } catch (Unavailable e) {
        boolean mayPass =
            switch (timeline.state()) {
              case TimelineState.Active _, TimelineState.Failing _ -> true;
              case TimelineState.Importing _,
                  TimelineState.Broken _,
                  TimelineState.Lost _,
                  TimelineState.Stopped _,
                  TimelineState.Deleting _ ->
                  false;
            };
        if (!mayPass || System.nanoTime() - end >= 0 || Thread.currentThread().isInterrupted()) {
          throw e;
        }
        LockSupport.parkNanos(RETRY.toNanos());
      }
    }
  }
}
