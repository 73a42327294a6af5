package dev.varve.server.remote;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// An authority that is opened when it is first asked, and, should that fail, when it is asked the
/// next time: it need not be there when the server starts. Any thread may call any method.
final class LateGenerations implements Generations {

  private final Opening opening;
  private @Nullable Generations opened;
  private boolean closed;

  /// Opens the authority.
  interface Opening {
    Generations open() throws StoreException, InterruptedException;
  }

  LateGenerations(Opening opening) {
    this.opening = opening;
  }

  private synchronized Generations opened() throws StoreException, InterruptedException {
    if (closed) {
      throw new StoreException.Unavailable("the server shuts down");
    }
    Generations known = opened;
    if (known == null) {
      known = opening.open();
      opened = known;
    }
    return known;
  }

  @Override
  public Generation attach(TenantId tenant, Generation above)
      throws StoreException, InterruptedException {
    return opened().attach(tenant, above);
  }

  @Override
  public Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
      throws StoreException, InterruptedException {
    return opened().attachIfNewest(tenant, expected, above);
  }

  @Override
  public Map<TenantId, Generation> newest(Collection<TenantId> tenants)
      throws StoreException, InterruptedException {
    return opened().newest(tenants);
  }

  @Override
  public synchronized void close() {
    closed = true;
    if (opened != null) {
      opened.close();
    }
  }
}
