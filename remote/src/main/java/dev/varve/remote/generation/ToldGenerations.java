package dev.varve.remote.generation;

import dev.varve.model.TenantId;
import dev.varve.remote.Outages;
import dev.varve.remote.StoreException;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Map;

/// An authority of which the log says when it does not answer, and when it does again.
public final class ToldGenerations implements Generations {

  private final Generations authority;
  private final Outages outages;

  private interface Question<T> {
    T ask() throws StoreException, InterruptedException;
  }

  /// @param authority closed with this
  public ToldGenerations(Generations authority, InstantSource clock) {
    this.authority = authority;
    outages = new Outages("the authority over generations", clock);
  }

  private <T> T ask(Question<T> question) throws StoreException, InterruptedException {
    try {
      T answer = question.ask();
      outages.answered();
      return answer;
    } catch (StoreException e) {
      outages.failed(e);
      throw e;
    }
  }

  @Override
  public Generation attach(TenantId tenant, Generation above)
      throws StoreException, InterruptedException {
    return ask(() -> authority.attach(tenant, above));
  }

  @Override
  public Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
      throws StoreException, InterruptedException {
    return ask(() -> authority.attachIfNewest(tenant, expected, above));
  }

  @Override
  public Map<TenantId, Generation> newest(Collection<TenantId> tenants)
      throws StoreException, InterruptedException {
    return ask(() -> authority.newest(tenants));
  }

  @Override
  public void close() {
    authority.close();
  }
}
