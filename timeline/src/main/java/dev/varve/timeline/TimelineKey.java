package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;

/// Names a timeline within the server.
record TimelineKey(TenantId tenant, TimelineId id) {

  static TimelineKey of(TimelineIdentity identity) {
    return new TimelineKey(identity.tenant(), identity.id());
  }

  @Override
  public String toString() {
    return "timeline " + id;
  }
}
