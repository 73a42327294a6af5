package dev.varve.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.TenantId;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import dev.varve.remote.generation.GenerationsContract;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/// The simulated authority is one.
class SimulatedAuthorityTest extends GenerationsContract {

  private final SimulatedAuthority authority = new SimulatedAuthority();

  @Override
  protected Generations generations() {
    return authority.of("node-1");
  }

  @Test
  void whoHasATenantIsSaidToOthers() throws Exception {
    TenantId tenant = tenant();
    Generation its = authority.of("node-2").attach(tenant, Generation.NONE);
    assertThat(generations().attachIfNewest(tenant, Generation.NONE, Generation.NONE))
        .isEqualTo(new Claim.Outdated(its, Optional.of("node-2")));
  }
}
