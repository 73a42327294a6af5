package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/// What never changes of a timeline; kept in its `timeline.json`.
///
/// @param name unique in the server
/// @param pgVersion PostgreSQL's major version
/// @param ancestor the timeline it was branched from
/// @param start where its own history begins: the branch point, or the LSN of the import
/// @param properties small facts of whoever made it, such as the system identifier
public record TimelineIdentity(
    TenantId tenant,
    TimelineId id,
    String name,
    int pgVersion,
    Optional<TimelineId> ancestor,
    Lsn start,
    Instant created,
    Map<String, String> properties) {

  private static final int MAX_NAME = 200;

  public TimelineIdentity {
    if (name.isBlank() || name.length() > MAX_NAME || name.chars().anyMatch(c -> c < ' ')) {
      throw new IllegalArgumentException("\"" + name + "\" can't be the name of a timeline");
    }
    properties = Map.copyOf(properties);
  }

  boolean isBranchOf(TimelineKey key) {
    return tenant.equals(key.tenant()) && ancestor.equals(Optional.of(key.id()));
  }
}
