package dev.varve.etcd;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.remote.StoreException;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskThreads;
import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.options.PutOption;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Shows other nodes that this one is alive: a key under a lease that is renewed as long as this
/// exists. When the lease runs out, because etcd was not reachable for too long, another is taken.
///
/// The lease is renewed by one thread; any may ask.
final class NodeLease implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(NodeLease.class.getName());

  /// @param end when it ends if it is not renewed, by our own clock and with the time of the call
  ///   taken off
  private record Held(long id, ByteSequence key, Instant end) {}

  private final EtcdCalls calls;
  private final EtcdSettings settings;
  private final String prefix;
  private final TaskThreads threads;
  private final CompletableFuture<Boolean> closing = new CompletableFuture<>();
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
  private volatile @Nullable Held held;

  private NodeLease(EtcdCalls calls, EtcdSettings settings, String prefix, TaskThreads threads) {
    this.calls = calls;
    this.settings = settings;
    this.prefix = prefix + "/nodes/" + settings.node() + "/";
    this.threads = threads;
  }

  /// @throws StoreException if etcd gives no lease now
  static NodeLease take(EtcdCalls calls, EtcdSettings settings, String prefix, TaskThreads threads)
      throws StoreException, InterruptedException {
    var lease = new NodeLease(calls, settings, prefix, threads);
    lease.grant();
    threads.execute(TaskKind.Threads.WAITING, "etcd-lease", lease::keep);
    return lease;
  }

  private void grant() throws StoreException, InterruptedException {
    Instant begin = threads.clock().instant();
    long id =
        calls
            .answer(
                "grant of a lease",
                calls.client().getLeaseClient().grant(settings.leaseTime().toSeconds()))
            .getID();
    ByteSequence key = EtcdCalls.bytes(prefix + Long.toHexString(id));
    calls.answer(
        "registration of node " + settings.node(),
        calls
            .client()
            .getKVClient()
            .put(
                key,
                EtcdCalls.bytes(settings.node()),
                PutOption.builder().withLeaseId(id).build()));
    held = new Held(id, key, begin.plus(settings.leaseTime()));
  }

  /// A condition that holds as long as etcd counts this node as alive.
  ///
  /// @throws StoreException.Unavailable if it has no lease
  Cmp alive() throws StoreException.Unavailable {
    Held now = held;
    if (now == null || !threads.clock().instant().isBefore(now.end)) {
      throw new StoreException.Unavailable(
          calls + ": node " + settings.node() + " has lost its lease and waits for another");
    }
    return new Cmp(now.key, Cmp.Op.GREATER, CmpTarget.version(0));
  }

  /// Whether other nodes see this one, as far as is known.
  boolean isHeld() {
    Held now = held;
    return now != null && threads.clock().instant().isBefore(now.end);
  }

  private void keep() {
    Duration pause = settings.leaseTime().dividedBy(4);
    try {
      while (!threads.await(closing, pause)) {
        renew();
      }
    } catch (InterruptedException _) {
      // the threads are closed: so is this
    } finally {
      ended.complete(true);
    }
  }

  private void renew() throws InterruptedException {
    boolean before = isHeld();
    try {
      Held now = held;
      if (now == null) {
        grant();
      } else {
        renew(now);
      }
      if (!before) {
        LOG.log(INFO, "{0}: node {1} has a lease again", calls, settings.node());
      }
    } catch (StoreException e) {
      if (before && !isHeld()) {
        LOG.log(WARNING, "node {0} has lost its lease: {1}", settings.node(), e.getMessage());
      }
    }
  }

  private void renew(Held now) throws StoreException, InterruptedException {
    Instant begin = threads.clock().instant();
    boolean lives;
    try {
      lives =
          calls
                  .answer(
                      "renewal of a lease", calls.client().getLeaseClient().keepAliveOnce(now.id))
                  .getTTL()
              > 0;
    } catch (StoreException.NotFound _) {
      lives = false;
    }
    if (lives) {
      held = new Held(now.id, now.key, begin.plus(settings.leaseTime()));
    } else {
      held = null;
      grant();
    }
  }

  /// Gives the lease back, so that nobody waits until it runs out.
  @Override
  public void close() {
    closing.complete(true);
    try {
      threads.await(ended, settings.callLimit());
      Held last = held;
      held = null;
      if (last != null) {
        calls.answer("end of a lease", calls.client().getLeaseClient().revoke(last.id));
      }
    } catch (StoreException e) {
      LOG.log(INFO, "the lease was not given back and runs out: {0}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // it runs out
    }
  }
}
