package dev.varve.simulation;

import dev.varve.model.TenantId;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// An authority over generations that survives all processes and always answers.
final class SimulatedAuthority implements Generations {

  private final Map<TenantId, Generation> given = new HashMap<>();

  @Override
  public Generation attach(TenantId tenant, Generation above) {
    Generation before = given.getOrDefault(tenant, Generation.NONE);
    Generation next = (before.compareTo(above) > 0 ? before : above).next();
    given.put(tenant, next);
    return next;
  }

  @Override
  public Set<TenantId> newest(Map<TenantId, Generation> generations) {
    var newest = new HashSet<TenantId>();
    generations.forEach((tenant, generation) -> {
      if (generation.equals(given.get(tenant))) {
        newest.add(tenant);
      }
    });
    return newest;
  }

  @Override
  public void close() {}
}
