package dev.varve.remote.generation;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import java.util.Collection;
import java.util.Map;

/// The authority over generations. Any thread may call any method.
///
/// Methods throw {@link StoreException.Unavailable} when nothing is known for now, {@link
/// StoreException.Refused} when somebody must change something first, {@link
/// StoreException.Damaged} when what is stored can't be right. Then nobody may take an answer for
/// granted: what was to be deleted stays.
public interface Generations extends AutoCloseable {

  /// Gives a tenant a new generation, durably: higher than any before and than `above`. Whoever had
  /// the tenant has it no more. When this fails a generation may have been used up.
  ///
  /// @param above the highest that any of the tenant's objects carries, as the object store lists
  ///   them: it stands above an authority that has lost its memory
  Generation attach(TenantId tenant, Generation above) throws StoreException, InterruptedException;

  /// Gives a tenant a new generation, as {@link #attach} does, but only if nobody was given one
  /// after `expected`: for a node that takes a tenant to be its own, and would not take it from
  /// another.
  ///
  /// @param expected the newest that was given out, as far as the node knows; {@link
  ///   Generation#NONE}: none was
  Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
      throws StoreException, InterruptedException;

  /// The newest generation that each of the tenants was given; {@link Generation#NONE}: none was.
  /// Each was so at a moment after the question.
  Map<TenantId, Generation> newest(Collection<TenantId> tenants)
      throws StoreException, InterruptedException;

  @Override
  void close();
}
