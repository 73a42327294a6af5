package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Makes timelines.
///
/// A branch is made in its ancestor's lane, where the ancestor would also be deleted: so a timeline
/// that has a branch stays. Names and ids are reserved before anything is written.
final class Branching {

  private final TenantFiles files;
  private final Map<TimelineKey, Timeline> timelines;
  private final BackPressure backPressure;
  private final Shared shared;
  private final Set<Object> reserved = ConcurrentHashMap.newKeySet();

  /// Tenants that get no timelines at present.
  private final Set<TenantId> closed = ConcurrentHashMap.newKeySet();

  Branching(
      TenantFiles files,
      Map<TimelineKey, Timeline> timelines,
      BackPressure backPressure,
      Shared shared) {
    this.files = files;
    this.timelines = timelines;
    this.backPressure = backPressure;
    this.shared = shared;
  }

  Timeline createRoot(TimelineIdentity identity) {
    var index = new IndexPart(identity.start(), Lsn.MAX, false, List.of());
    return shared.inLane(
        "create " + identity.name(),
        TimelineKey.of(identity).toString(),
        () -> create(identity, index, null));
  }

  Timeline branch(Timeline ancestor, TimelineId id, String name, Lsn at) {
    var identity =
        new TimelineIdentity(
            ancestor.tenant(),
            id,
            name,
            ancestor.pgVersion(),
            Optional.of(ancestor.id()),
            at,
            shared.tasks().clock().instant(),
            ancestor.identity().properties());
    return shared.inLane(
        "branch " + name,
        ancestor.index().lane(),
        () -> {
          requireBranchPoint(ancestor, at);
          // Before its branch point a timeline is as readable as its ancestor, and as those before
          // it, which may be broken at present, and say no more than that.
          Lsn readableFrom = Lsn.min(at, ancestor.index().head().readableFrom());
          var index = new IndexPart(at, readableFrom, true, List.of());
          return create(identity, index, ancestor);
        });
  }

  static void requireBranchPoint(Timeline ancestor, Lsn at) {
    ancestor.condition().requireUsable();
    if (!ancestor.index().head().imported()) {
      throw new PageserverException.Conflict(
          "timeline \"" + ancestor.name() + "\" can't be branched before its import has ended");
    }
    if (at.isAfter(ancestor.lastRecordLsn())) {
      throw new PageserverException.InvalidRequest(
          "%s is in the future of timeline \"%s\", which is at %s"
              .formatted(at, ancestor.name(), ancestor.lastRecordLsn()));
    }
    if (!ancestor.isReadable(at)) {
      throw ancestor.garbage().tooOld(at);
    }
  }

  private Timeline create(TimelineIdentity identity, IndexPart index, @Nullable Timeline ancestor)
      throws IOException {
    TimelineKey key = TimelineKey.of(identity);
    if (!reserved.add(identity.name())) {
      throw nameInUse(identity);
    }
    try {
      if (!reserved.add(key)) {
        throw idInUse(identity);
      }
      try {
        if (closed.contains(identity.tenant())) { // asked once the id is reserved
          throw new PageserverException.Unavailable(
              "tenant " + identity.tenant() + " is being attached or detached");
        }
        requireUnused(identity);
        if (ancestor != null) {
          retain(ancestor, key, identity.start());
        }
        files.create(identity, index);
        Timeline timeline =
            Loading.assemble(
                files.timeline(key.tenant(), key.id()),
                identity,
                index.head(),
                ancestor,
                null,
                backPressure,
                shared);
        Uploads uploads = timeline.index().uploads();
        if (uploads != null) {
          uploads.setNew();
        }
        timelines.put(key, timeline);
        return timeline;
      } finally {
        reserved.remove(key);
      }
    } finally {
      reserved.remove(identity.name());
    }
  }

  /// Does something while new timelines of a tenant are refused.
  ///
  /// @throws PageserverException.Unavailable while one is being made
  <T> T whileClosed(TenantId tenant, Callable<T> body) throws Exception {
    closed.add(tenant);
    try {
      if (reserved.stream()
          .anyMatch(one -> one instanceof TimelineKey key && key.tenant().equals(tenant))) {
        throw new PageserverException.Unavailable(
            "a timeline of tenant " + tenant + " is being made; try again");
      }
      return body.call();
    } finally {
      closed.remove(tenant);
    }
  }

  /// Keeps the branch point, unless the GC cutoff was faster. It is kept even if the branch then
  /// can't be written: nobody knows what of it is on disk.
  private static void retain(Timeline ancestor, TimelineKey branch, Lsn at) {
    ancestor.garbage().retain(branch, at);
    if (!ancestor.isReadable(at)) {
      ancestor.garbage().forget(branch);
      throw ancestor.garbage().tooOld(at);
    }
  }

  /// Whether no other timeline has the name, or is about to.
  boolean isFree(TimelineIdentity identity) {
    TimelineKey key = TimelineKey.of(identity);
    return !reserved.contains(identity.name())
        && timelines.values().stream()
            .filter(other -> other.name().equals(identity.name()))
            .allMatch(other -> TimelineKey.of(other.identity()).equals(key));
  }

  private void requireUnused(TimelineIdentity identity) {
    TimelineKey key = TimelineKey.of(identity);
    if (timelines.containsKey(key)) {
      throw idInUse(identity);
    }
    RemoteTenants remote = shared.remote();
    if (files.isDeleted(key) || (remote != null && remote.wasDeleted(key))) {
      throw new PageserverException.Conflict(
          "timeline %s was deleted, perhaps not from the object store yet; choose another id"
              .formatted(identity.id()));
    }
    for (Timeline timeline : timelines.values()) {
      if (timeline.name().equals(identity.name())) {
        if (timeline.condition().isDeleting()) {
          throw new PageserverException.Conflict(
              "timeline \"" + identity.name() + "\" is still being deleted; choose another name");
        }
        throw nameInUse(identity);
      }
    }
  }

  private static PageserverException nameInUse(TimelineIdentity identity) {
    return new PageserverException.Conflict(
        "there is a timeline \"" + identity.name() + "\" already; choose another name");
  }

  private static PageserverException idInUse(TimelineIdentity identity) {
    return new PageserverException.Conflict(
        "there is a timeline " + identity.id() + " already; choose another id");
  }
}
