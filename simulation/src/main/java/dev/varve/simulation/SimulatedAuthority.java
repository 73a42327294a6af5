package dev.varve.simulation;

import dev.varve.model.TenantId;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// An authority over generations that survives all processes and always answers.
final class SimulatedAuthority {

  private record Given(Generation generation, String node) {}

  private static final Given NOTHING = new Given(Generation.NONE, "");

  private final Map<TenantId, Given> given = new HashMap<>();

  Generation attach(TenantId tenant, Generation above, String node) {
    Generation before = given.getOrDefault(tenant, NOTHING).generation();
    Generation next = Generation.max(before, above).next();
    given.put(tenant, new Given(next, node));
    return next;
  }

  Claim attachIfNewest(TenantId tenant, Generation expected, Generation above, String node) {
    Given newest = given.getOrDefault(tenant, NOTHING);
    return newest.generation().equals(expected)
        ? new Claim.Granted(attach(tenant, above, node))
        : new Claim.Outdated(
            newest.generation(), Optional.of(newest.node()).filter(other -> !other.equals(node)));
  }

  Set<TenantId> newest(Map<TenantId, Generation> generations) {
    var newest = new HashSet<TenantId>();
    generations.forEach((tenant, generation) -> {
      if (generation.equals(given.getOrDefault(tenant, NOTHING).generation())) {
        newest.add(tenant);
      }
    });
    return newest;
  }
}
