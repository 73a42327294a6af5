package dev.varve.server.http;

import dev.varve.server.follow.Receivers;
import dev.varve.server.imports.Imports;
import dev.varve.server.metrics.ServerMetrics;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskReport;
import dev.varve.timeline.Tenants;
import java.io.IOException;
import java.time.InstantSource;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// All routes. `TENANT` stands for `/v1/tenant/:tenant_id`, `TIMELINE` for
/// `TENANT/timeline/:timeline_id`.
///
/// | route                                | answer                                               |
/// |--------------------------------------|------------------------------------------------------|
/// | `GET /v1/status`                     | that the server is there, and its version            |
/// | `GET /v1/tenant`                     | all tenants                                          |
/// | `GET TENANT`                         | one tenant: its timelines, and what holds for it     |
/// | `GET TENANT/config`                  | what is set for it alone: `pitr_interval`            |
/// | `PUT TENANT/config`                  | the tenant; sets all of that anew: what is null or not there is as the server has it |
/// | `POST TENANT/attach`                 | its timelines: takes it over from the object store   |
/// | `POST TENANT/detach`                 | `timeout_ms`: has all of it uploaded, and deletes it here |
/// | `GET TENANT/timeline`                | its timelines                                        |
/// | `POST TENANT/timeline`               | 201, a branch: `name`, `ancestor_timeline_id`, and `ancestor_start_lsn`, `ancestor_start_time` or `ancestor_start` = `now` |
/// | `GET TIMELINE`                       | one timeline                                         |
/// | `GET TIMELINE/detail`                | `timeout_ms`: what is not in memory of it: commit times, and how much of it is here; wakes it |
/// | `DELETE TIMELINE`                    | deletes it                                           |
/// | `POST TIMELINE/stop`                 | ends what it does and refuses reads, but keeps all   |
/// | `POST TIMELINE/start`                | lets a stopped one go on                             |
/// | `POST TIMELINE/follow`               | `from` (a connection string): goes on from a running server of its cluster |
/// | `POST TIMELINE/retry`                | tries a broken one, and damaged files, again now     |
/// | `GET TIMELINE/layer`                 | its layer files, and whether each is here, in object storage, or both; wakes it |
/// | `POST TIMELINE/download`             | `layers` and `bytes` that are not here yet, how many are `under_way`, perhaps an `obstacle`: has them fetched; to be asked again until none is left |
/// | `GET TIMELINE/wal_receiver`          | what it follows, and how far it is                   |
/// | `GET TIMELINE/get_lsn_by_timestamp`  | `timestamp`: the last commit at or before it, and whether it is `present`, or in the `future`, the `past` (then where history begins), or there is `nodata` |
/// | `GET TIMELINE/wait_lsn`              | `lsn`, `timeout_ms`: waits for it                    |
/// | `GET TIMELINE/page`                  | `relation`, `block`, `fork`, `lsn`: 8192 bytes       |
/// | `GET TIMELINE/fullbackup`            | `lsn` or `timestamp`: a data directory as a tar      |
/// | `PUT TIMELINE/checkpoint`            | makes what has been taken in durable; with `upload` = `true` in the object store, too |
/// | `POST TIMELINE/lease`                | `lsn`, `seconds`: keeps history readable as of it    |
/// | `PUT TIMELINE/do_gc`                 | moves the GC cutoff as far as the settings say       |
/// | `PUT TIMELINE/compact`               | 202: merges all layers, drops what nothing needs     |
/// | `GET /v1/timeline`                   | all timelines of all tenants                         |
/// | `GET /v1/timeline/:name`             | the timeline of that name                            |
/// | `POST /v1/import`                    | 202, an import: `name`, and `from` (a connection string) or `tar` and perhaps `wal` (paths on the server) |
/// | `GET /v1/import/:import_id`          | how far it is                                        |
/// | `GET /v1/eviction`                   | what was evicted to object storage, how full the disk is, and a `shortage` that eviction can't help |
/// | `GET /v1/task`                       | the background tasks                                 |
/// | `GET /metrics`                       | all that is measured, for Prometheus, as text        |
public final class Routes {

  private static final String TENANT = "/v1/tenant/:tenant_id";
  private static final String TIMELINE = TENANT + "/timeline/:timeline_id";

  private final TaskManager tasks;
  private final ServerMetrics metrics;
  private final TenantRoutes tenants;
  private final ConfigRoutes config;
  private final ReadRoutes reads;
  private final ImportRoutes imports;

  public Routes(
      Tenants tenants,
      Receivers receivers,
      Imports imports,
      TaskManager tasks,
      ServerMetrics metrics,
      InstantSource clock) {
    this.tasks = tasks;
    this.metrics = metrics;
    var json = new TimelineJson(tenants, receivers);
    this.config = new ConfigRoutes(tenants);
    this.tenants = new TenantRoutes(tenants, receivers, config, json);
    this.reads = new ReadRoutes(tenants, receivers, clock);
    this.imports = new ImportRoutes(imports);
  }

  Router router() {
    return new Router()
        .on("GET", "/v1/status", Routes::status)
        .on("GET", "/v1/tenant", tenants::list)
        .on("GET", TENANT, tenants::tenant)
        .on("GET", TENANT + "/config", config::get)
        .on("PUT", TENANT + "/config", config::put)
        .on("POST", TENANT + "/attach", tenants::attach)
        .on("POST", TENANT + "/detach", tenants::detach)
        .on("GET", TENANT + "/timeline", tenants::timelinesOfTenant)
        .on("POST", TENANT + "/timeline", tenants::branch)
        .on("GET", TIMELINE, tenants::timeline)
        .on("GET", TIMELINE + "/detail", tenants::detail)
        .on("DELETE", TIMELINE, tenants::delete)
        .on("POST", TIMELINE + "/stop", tenants::stop)
        .on("POST", TIMELINE + "/start", tenants::start)
        .on("POST", TIMELINE + "/follow", tenants::follow)
        .on("POST", TIMELINE + "/retry", tenants::retry)
        .on("GET", TIMELINE + "/layer", tenants::layers)
        .on("POST", TIMELINE + "/download", tenants::download)
        .on("GET", TIMELINE + "/wal_receiver", tenants::walReceiver)
        .on("PUT", TIMELINE + "/checkpoint", tenants::checkpoint)
        .on("POST", TIMELINE + "/lease", tenants::lease)
        .on("PUT", TIMELINE + "/do_gc", tenants::collectGarbage)
        .on("PUT", TIMELINE + "/compact", tenants::compact)
        .on("GET", TIMELINE + "/get_lsn_by_timestamp", reads::lsnByTimestamp)
        .on("GET", TIMELINE + "/wait_lsn", reads::waitLsn)
        .on("GET", TIMELINE + "/page", reads::page)
        .on("GET", TIMELINE + "/fullbackup", reads::fullBackup)
        .on("GET", "/v1/timeline", tenants::timelines)
        .on("GET", "/v1/timeline/:name", tenants::timelineByName)
        .on("POST", "/v1/import", imports::begin)
        .on("GET", "/v1/import/:import_id", imports::progress)
        .on("GET", "/v1/eviction", tenants::eviction)
        .on("GET", "/v1/task", this::tasks)
        .on("GET", "/metrics", this::metrics);
  }

  private static void status(Call call) throws IOException {
    ObjectNode status = Call.JSON.createObjectNode();
    status.put("id", 1);
    status.put("version", "0.1.0");
    call.answer(200, status);
  }

  private void metrics(Call call) throws IOException {
    call.bytes(200, ServerMetrics.CONTENT_TYPE, metrics.text());
  }

  private void tasks(Call call) throws IOException {
    ArrayNode list = Call.JSON.createArrayNode();
    for (TaskReport report : tasks.report()) {
      list.add(TimelineJson.task(report));
    }
    call.answer(200, list);
  }
}
