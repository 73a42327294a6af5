package dev.varve.timeline;

import dev.varve.model.PageserverException;
import dev.varve.model.TenantId;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/// Sets what holds for one tenant alone: durably in the data directory, and, where there is one,
/// soon after in the object store. It counts at once.
final class Configuring {

  private final Collection<Timeline> timelines;
  private final Shared shared;

  /// @param timelines all there are; a view that changes
  Configuring(Collection<Timeline> timelines, Shared shared) {
    this.timelines = timelines;
    this.shared = shared;
  }

  TenantConfiguration of(TenantId id) {
    requireHere(id);
    try {
      return shared.records().get(id).settings();
    } catch (IOException e) {
      throw new PageserverException.Unavailable(
          "the settings of tenant " + id + " can't be read: " + e.getMessage(), e);
    }
  }

  TenantConfiguration set(TenantId id, Map<String, String> wanted) {
    return shared.inLane(
        "configure tenant " + id,
        Attaching.lane(id),
        () -> {
          for (Timeline timeline : requireHere(id)) {
            if (timeline.state() instanceof TimelineState.Lost(String reason)) {
              throw new PageserverException.Unavailable(reason);
            }
          }
          TenantRecord now = shared.records().change(id, record -> replaced(record, wanted));
          RemoteTenants remote = shared.remote();
          if (remote != null) {
            remote.of(id).wake();
          }
          return now.settings();
        });
  }

  private static TenantRecord replaced(TenantRecord record, Map<String, String> wanted) {
    try {
      return record.withSettings(record.settings().replacedBy(wanted));
    } catch (IllegalArgumentException e) {
      throw new PageserverException.InvalidRequest(String.valueOf(e.getMessage()));
    }
  }

  private List<Timeline> requireHere(TenantId id) {
    List<Timeline> present =
        timelines.stream()
            .filter(timeline -> timeline.tenant().equals(id))
            .filter(timeline -> !timeline.condition().isDeleting())
            .toList();
    if (present.isEmpty()) {
      throw new PageserverException.NotFound("there is no tenant " + id + " on this server");
    }
    return present;
  }
}
