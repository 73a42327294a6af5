package dev.varve.timeline;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Gives tenants up that are in the object store: stops their timelines, has all uploaded, and then
/// deletes what the data directory has of them.
final class Detaching {

  private static final System.Logger LOG = System.getLogger(Detaching.class.getName());

  private final TenantFiles files;
  private final Map<TimelineKey, Timeline> timelines;
  private final Branching branching;
  private final Stopping stopping;
  private final Deletion deletion;
  private final Shared shared;

  Detaching(
      TenantFiles files,
      Map<TimelineKey, Timeline> timelines,
      Branching branching,
      Stopping stopping,
      Deletion deletion,
      Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.branching = branching;
    this.stopping = stopping;
    this.deletion = deletion;
    this.shared = shared;
  }

  RemoteTenants requireRemote() {
    RemoteTenants remote = shared.remote();
    if (remote == null) {
      throw new PageserverException.Unsupported(
          "this server has no object store; start it with --remote");
    }
    return remote;
  }

  /// The timelines of a tenant.
  List<Timeline> present(TenantId id) {
    return timelines.values().stream().filter(timeline -> timeline.tenant().equals(id)).toList();
  }

  void detach(TenantId id, Duration limit) {
    requireRemote();
    shared.inLane(
        "detach tenant " + id,
        Attaching.lane(id),
        () -> branching.whileClosed(id, () -> detachNow(id, limit)));
  }

  private List<Timeline> detachNow(TenantId id, Duration limit)
      throws IOException, InterruptedException {
    List<Timeline> present = present(id);
    if (present.isEmpty()) {
      throw new PageserverException.NotFound("there is no tenant " + id + " on this server");
    }
    if (present.stream().noneMatch(timeline -> timeline.condition().isLost())) {
      secure(id, present, shared.tasks().clock().instant().plus(limit));
    }
    drop(id, present);
    LOG.log(INFO, "tenant {0} is detached", id);
    return present;
  }

  /// Stops timelines, and has all that they have uploaded. If that fails they go on.
  private void secure(TenantId id, List<Timeline> present, Instant deadline)
      throws InterruptedException {
    for (Timeline timeline : present) {
      timeline.condition().requireUsable();
    }
    List<Timeline> stopped = new ArrayList<>();
    boolean done = false;
    try {
      for (Timeline timeline : present) {
        if (timeline.condition().service() == Condition.Service.RUNNING) {
          stopping.stop(timeline);
          stopped.add(timeline);
        }
      }
      for (Timeline timeline : present) {
        Uploads uploads = timeline.index().uploads();
        if (uploads == null || !uploads.await(deadline)) {
          throw new PageserverException.Unavailable(
              "timeline \"%s\" is not in the object store as it is here%s; try again"
                  .formatted(timeline.name(), reason(uploads)));
        }
      }
      requireManifest(requireRemote().of(id), deadline);
      done = true;
    } finally {
      if (!done) {
        stopped.forEach(this::goOn);
      }
    }
  }

  /// What was set for the tenant is in there, of which no index part tells.
  private void requireManifest(RemoteTenant tenant, Instant deadline) throws InterruptedException {
    InstantSource clock = shared.tasks().clock();
    tenant.wake();
    tenant.hurry();
    CompletableFuture<Boolean> next = tenant.nextAttempt();
    while (!tenant.isCurrent() && tenant.lost() == null && clock.instant().isBefore(deadline)) {
      shared.tasks().await(next, Duration.between(clock.instant(), deadline));
      next = tenant.nextAttempt();
    }
    if (!tenant.isCurrent()) {
      throw new PageserverException.Unavailable(
          "what was set for the tenant is not in the object store%s; try again"
              .formatted(because(tenant.failure())));
    }
  }

  private static String reason(@Nullable Uploads uploads) {
    return because(uploads == null ? null : uploads.state().failure().orElse(null));
  }

  private static String because(@Nullable String failure) {
    return failure == null ? "" : ": " + failure;
  }

  private void goOn(Timeline timeline) {
    try {
      stopping.start(timeline);
    } catch (PageserverException e) {
      LOG.log(WARNING, "timeline \"" + timeline.name() + "\" stays stopped", e);
    }
  }

  /// Forgets a tenant, and deletes what the data directory has of it.
  void drop(TenantId id, List<Timeline> present) throws IOException, InterruptedException {
    Path aside = files.setAside(id);
    for (Timeline timeline : present) {
      timeline.condition().setDeleting(true);
    }
    for (Timeline timeline : present) {
      timeline.close();
    }
    deletion.forget(present);
    requireRemote().forget(id);
    shared.records().forget(id);
    deletion.deleteTenant(aside);
  }
}
