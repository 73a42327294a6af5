package dev.varve.simulation;

import dev.varve.model.TenantId;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// An authority over generations that survives all processes and always answers.
final class SimulatedAuthority {

  private record Given(Generation generation, String node) {}

  private static final Given NOTHING = new Given(Generation.NONE, "");

  private final Map<TenantId, Given> given = new HashMap<>();

  /// As a node asks it.
  Generations of(String node) {
    return new Asked(node);
  }

  private synchronized Given newest(TenantId tenant) {
    return given.getOrDefault(tenant, NOTHING);
  }

  private synchronized Generation give(TenantId tenant, Generation above, String node) {
    Generation next = Generation.max(newest(tenant).generation(), above).next();
    given.put(tenant, new Given(next, node));
    return next;
  }

  private synchronized Claim giveIfNewest(
      TenantId tenant, Generation expected, Generation above, String node) {
    Given newest = newest(tenant);
    return newest.generation().equals(expected)
        ? new Claim.Granted(give(tenant, above, node))
        : new Claim.Outdated(
            newest.generation(),
            Optional.of(newest.node()).filter(one -> !one.isEmpty() && !one.equals(node)));
  }

  private final class Asked implements Generations {

    private final String node;

    Asked(String node) {
      this.node = node;
    }

    @Override
    public Generation attach(TenantId tenant, Generation above) {
      return give(tenant, above, node);
    }

    @Override
    public Claim attachIfNewest(TenantId tenant, Generation expected, Generation above) {
      return giveIfNewest(tenant, expected, above, node);
    }

    @Override
    public Map<TenantId, Generation> newest(Collection<TenantId> tenants) {
      var newest = new HashMap<TenantId, Generation>();
      tenants.forEach(
          tenant -> newest.put(tenant, SimulatedAuthority.this.newest(tenant).generation()));
      return newest;
    }

    @Override
    public void close() {}
  }
}
