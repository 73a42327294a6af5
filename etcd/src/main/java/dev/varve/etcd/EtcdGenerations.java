package dev.varve.etcd;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import dev.varve.remote.generation.Claim;
import dev.varve.remote.generation.Generation;
import dev.varve.remote.generation.Generations;
import dev.varve.task.TaskThreads;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.PutOption;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The authority of many nodes: etcd. A new generation is given in a transaction that holds only if
/// nobody else gave one meanwhile and this node is still alive.
public final class EtcdGenerations implements Generations {

  /// etcd takes 128 operations in a transaction unless it is told otherwise.
  static final int MOST_AT_ONCE = 100;

  /// So often in a row others are faster; more means that something fights over the tenant.
  private static final int MOST_RACES = 20;

  private static final Pattern VALUE = Pattern.compile("([0-9a-f]{8}) ([A-Za-z0-9._-]{1,100})");

  private final EtcdCalls calls;
  private final EtcdSettings settings;
  private final String prefix;
  private final NodeLease lease;

  private EtcdGenerations(EtcdCalls calls, EtcdSettings settings, String prefix, NodeLease lease) {
    this.calls = calls;
    this.settings = settings;
    this.prefix = prefix;
    this.lease = lease;
  }

  /// Takes part under a name, until it is closed.
  ///
  /// @throws StoreException if etcd does not take this node in now
  public static EtcdGenerations open(
      EtcdAddress address, EtcdSettings settings, TaskThreads threads)
      throws StoreException, InterruptedException {
    EtcdCalls calls = EtcdCalls.open(address, settings.callLimit());
    try {
      NodeLease lease = NodeLease.take(calls, settings, address.prefix(), threads);
      return new EtcdGenerations(calls, settings, address.prefix(), lease);
    } catch (StoreException | InterruptedException | RuntimeException e) {
      calls.close();
      throw e;
    }
  }

  /// What etcd has of a tenant.
  ///
  /// @param revision of the key; 0: there is none
  private record Given(Generation generation, String node, long revision) {}

  @Override
  public Generation attach(TenantId tenant, Generation above)
      throws StoreException, InterruptedException {
    for (int race = 0; race < MOST_RACES; race++) {
      Given before = given(tenant);
      Generation next = Generation.max(before.generation(), above).next();
      if (replace(tenant, before, next)) {
        return next;
      }
    }
    throw fought(tenant);
  }

  @Override
  public Claim attachIfNewest(TenantId tenant, Generation expected, Generation above)
      throws StoreException, InterruptedException {
    for (int race = 0; race < MOST_RACES; race++) {
      Given before = given(tenant);
      if (!before.generation().equals(expected)) {
        return new Claim.Outdated(
            before.generation(),
            Optional.of(before.node())
                .filter(node -> !node.isEmpty() && !node.equals(settings.node())));
      }
      Generation next = Generation.max(expected, above).next();
      if (replace(tenant, before, next)) {
        return new Claim.Granted(next);
      }
    }
    throw fought(tenant);
  }

  private Given given(TenantId tenant) throws StoreException, InterruptedException {
    List<KeyValue> found =
        calls.answer("read of " + tenant, calls.client().getKVClient().get(key(tenant))).getKvs();
    return found.isEmpty() ? new Given(Generation.NONE, "", 0) : given(found.getFirst());
  }

  /// Gives the next generation.
  ///
  /// @return false when another was given meanwhile, or this node is not alive
  private boolean replace(TenantId tenant, Given before, Generation next)
      throws StoreException, InterruptedException {
    ByteSequence key = key(tenant);
    var same = new Cmp(key, Cmp.Op.EQUAL, CmpTarget.modRevision(before.revision()));
    return calls
        .answer(
            "attach of " + tenant,
            calls
                .client()
                .getKVClient()
                .txn()
                .If(same, lease.alive())
                .Then(Op.put(key, value(next), PutOption.DEFAULT))
                .commit())
        .isSucceeded();
  }

  private StoreException fought(TenantId tenant) {
    return new StoreException.Unavailable(
        calls
            + ": tenant "
            + tenant
            + " gets no generation: other nodes attach it again and again, or this one's lease is"
            + " lost");
  }

  @Override
  public Map<TenantId, Generation> newest(Collection<TenantId> tenants)
      throws StoreException, InterruptedException {
    var newest = new HashMap<TenantId, Generation>();
    List<TenantId> all = List.copyOf(tenants);
    for (int from = 0; from < all.size(); from += MOST_AT_ONCE) {
      List<TenantId> some = all.subList(from, Math.min(all.size(), from + MOST_AT_ONCE));
      Op[] reads =
          some.stream().map(tenant -> Op.get(key(tenant), GetOption.DEFAULT)).toArray(Op[]::new);
      List<GetResponse> answers =
          calls
              .answer(
                  "question about " + some.size() + " tenants",
                  calls.client().getKVClient().txn().Then(reads).commit())
              .getGetResponses();
      for (int i = 0; i < some.size(); i++) {
        List<KeyValue> found = answers.get(i).getKvs();
        newest.put(
            some.get(i), found.isEmpty() ? Generation.NONE : given(found.getFirst()).generation());
      }
    }
    return newest;
  }

  /// The names of the nodes that are alive.
  public Set<String> nodes() throws StoreException, InterruptedException {
    ByteSequence all = EtcdCalls.bytes(prefix + "/nodes/");
    var names = new TreeSet<String>();
    for (KeyValue found :
        calls
            .answer(
                "list of nodes",
                calls.client().getKVClient().get(all, GetOption.builder().isPrefix(true).build()))
            .getKvs()) {
      names.add(found.getValue().toString(StandardCharsets.UTF_8));
    }
    return names;
  }

  /// Whether other nodes see this one, as far as is known.
  public boolean isAlive() {
    return lease.isHeld();
  }

  private ByteSequence key(TenantId tenant) {
    return EtcdCalls.bytes(prefix + "/tenants/" + tenant + "/generation");
  }

  private ByteSequence value(Generation generation) {
    return EtcdCalls.bytes(generation + " " + settings.node());
  }

  private Given given(KeyValue found) throws StoreException.Damaged {
    String value = found.getValue().toString(StandardCharsets.UTF_8);
    Matcher matcher = VALUE.matcher(value);
    if (!matcher.matches()) {
      String key = found.getKey().toString(StandardCharsets.UTF_8);
      String shown = value.length() <= 100 ? value : value.substring(0, 100) + "...";
      throw new StoreException.Damaged(
          calls + ": " + key + " is \"" + shown + "\" instead of a generation and a node");
    }
    return new Given(Generation.parse(matcher.group(1)), matcher.group(2), found.getModRevision());
  }

  /// Gives the lease back. Generations stay.
  @Override
  public void close() {
    lease.close();
    calls.close();
  }
}
