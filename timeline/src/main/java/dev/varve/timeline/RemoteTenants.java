package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.task.TaskManager;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/// What all tenants of a server have in the object store. Any thread may call any method.
final class RemoteTenants {

  private final Remote remote;
  private final TenantFiles files;
  private final TaskManager tasks;
  private final Map<TenantId, RemoteTenant> tenants = new ConcurrentHashMap<>();
  private volatile boolean begun;

  RemoteTenants(Remote remote, TenantFiles files, TaskManager tasks) {
    this.remote = remote;
    this.files = files;
    this.tasks = tasks;
  }

  Remote remote() {
    return remote;
  }

  /// Ends what goes on for a tenant that is not here any more.
  void forget(TenantId id) throws InterruptedException {
    RemoteTenant gone = tenants.remove(id);
    if (gone != null) {
      gone.close();
    }
  }

  /// Those of a tenant, which may be new.
  RemoteTenant of(TenantId id) {
    RemoteTenant known = tenants.get(id);
    if (known != null) {
      return known;
    }
    var made = new RemoteTenant(id, remote, files, tasks);
    RemoteTenant before = tenants.putIfAbsent(id, made);
    if (before != null) {
      return before;
    }
    if (begun) {
      made.begin();
    }
    return made;
  }

  /// Whether a timeline was deleted in this generation of its tenant.
  boolean wasDeleted(TimelineKey key) {
    RemoteTenant tenant = tenants.get(key.tenant());
    return tenant != null && tenant.wasDeleted(key.id());
  }

  /// The files of a deleted timeline are gone, which the end of its deletion waits for.
  void filesDeleted() {
    tenants.values().stream().filter(RemoteTenant::isDeleting).forEach(RemoteTenant::wake);
  }

  /// Attaches tenants, and those that come later, and uploads from then on. To be called when all
  /// timelines are there. Waits until it was tried, but not for long: what can't be attached now is
  /// attached later.
  ///
  /// @param present those that the data directory has
  void begin(Collection<TenantId> present, Duration limit) throws InterruptedException {
    present.forEach(this::of);
    begun = true;
    tenants.values().forEach(RemoteTenant::begin);
    Instant end = tasks.clock().instant().plus(limit);
    for (RemoteTenant tenant : tenants.values()) {
      CompletableFuture<Boolean> attempt = tenant.firstAttempt();
      Duration left = Duration.between(tasks.clock().instant(), end);
      if (left.isPositive()) {
        tasks.await(attempt, left);
      }
    }
  }

  /// Ends what goes on, after the timelines are closed.
  void close() throws InterruptedException {
    for (RemoteTenant tenant : tenants.values()) {
      tenant.close();
    }
  }
}
