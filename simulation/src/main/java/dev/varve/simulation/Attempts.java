package dev.varve.simulation;

import dev.varve.model.PageserverException;
import dev.varve.remote.ObjectName;
import dev.varve.testkit.disk.SimulatedDisk;
import dev.varve.timeline.RemoteName;
import dev.varve.timeline.TimelineState;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// How a node attaches the tenant: it tries until it works. While a manifest or an index part that
/// it has to read is damaged it is refused, and told which; when that is whole again it works.
final class Attempts {

  /// After so many attempts that failed, nothing goes wrong any more.
  private static final int FAULTY_ATTEMPTS = 3;

  /// After so many it works, also when the node that had it put another manifest just then.
  private static final int MOST_ATTEMPTS = 6;

  /// Nodes that have lost the tenant wait longer than this for whoever was given a generation.
  private static final Duration MEANWHILE = Duration.ofMinutes(1);

  private final World world;
  private final Cloud cloud;

  Attempts(World world, Cloud cloud) {
    this.world = world;
    this.cloud = cloud;
  }

  /// Tries until it works; what is on the way fails for a while.
  Node attach(Node first, Node before) throws IOException {
    Node node = first;
    boolean other = node.server() != before.server();
    for (int attempt = 0; ; attempt++) {
      node.server().begin();
      before.server().begin();
      boolean calm = attempt >= FAULTY_ATTEMPTS;
      putBackLost();
      if (calm) {
        node.line().setCalm(true);
      } else if (node.server().tenants().timelines().isEmpty() && world.random().nextInt(4) == 0) {
        node.disk().dieAt(world.random().nextInt(60));
      }
      if (other) {
        Instant end = before.server().now().plus(MEANWHILE);
        node.line().meanwhile(() -> others(before, end));
      }
      boolean done = attempt(node, attempt);
      node.line().meanwhile(() -> {});
      if (node.disk().isDead()) {
        world.history().note("  dies while it attaches");
        SimulatedDisk next = node.disk().crash(world.random());
        node.server().bury();
        node = world.start(next, node.line(), node.server().now());
        done = !node.server().tenants().timelines().isEmpty() && !isLost(node);
      }
      if (done) {
        node.disk().heal();
        live(node.disk());
        node.line().setCalm(false);
        return node;
      }
    }
  }

  static void live(SimulatedDisk disk) {
    disk.dieAt(Long.MAX_VALUE / 2);
    disk.dieAtSync(Long.MAX_VALUE / 2);
  }

  private static boolean isLost(Node node) {
    return node.server().tenants().timelines().stream()
        .anyMatch(timeline -> timeline.state() instanceof TimelineState.Lost);
  }

  private boolean attempt(Node node, int number) {
    List<ObjectName> unreadable = unreadable();
    try {
      node.server().tenants().attach(World.TENANT);
      requireReadable(unreadable);
      return true;
    } catch (PageserverException.Unavailable | PageserverException.NotFound e) {
      world.history().note("  not attached:", e.getMessage());
      if (isOfDamage(e)) {
        if (number >= FAULTY_ATTEMPTS || world.random().nextBoolean()) {
          cloud.bucket().mendNaming(false);
        }
      } else if (number >= MOST_ATTEMPTS && !node.disk().isDead()) {
        throw e;
      }
    } catch (IllegalStateException e) {
      if (!node.disk().isDead()) {
        throw e;
      }
    }
    return false;
  }

  /// What is lost, and not only damaged, looks as if it had never been put: an index part, or a
  /// manifest with an older one beside it. Then whoever attaches the tenant can't know.
  private void putBackLost() {
    boolean noManifest = !cloud.bucket().has(RemoteName.manifests(World.TENANT));
    if (!noManifest || world.random().nextBoolean()) {
      cloud.bucket().mendNaming(true);
    }
  }

  /// Damaged objects that whoever attaches the tenant has to read.
  private List<ObjectName> unreadable() {
    Set<String> timelines = new HashSet<>();
    for (ModelTimeline model : world.present()) {
      if (model.remote() > 0) {
        timelines.add(RemoteName.indexParts(World.TENANT, model.id()));
      }
    }
    return cloud.bucket().damagedNaming().stream()
        .filter(name ->
            name.value().startsWith(RemoteName.manifests(World.TENANT))
                || timelines.stream().anyMatch(name.value()::startsWith))
        .toList();
  }

  /// All that had to be read was put again meanwhile.
  private void requireReadable(List<ObjectName> unreadable) {
    for (ObjectName name : unreadable) {
      Finding.require(
          cloud.bucket().isReplaced(name), "the tenant is attached, and " + name + " is damaged");
    }
  }

  /// Whether an attempt was refused because of a damaged object, which it names; a tenant without a
  /// manifest is none.
  private boolean isOfDamage(PageserverException refusal) {
    String message = String.valueOf(refusal.getMessage());
    return cloud.bucket().damagedNaming().stream().anyMatch(name -> message.contains(name.value()))
        || (refusal instanceof PageserverException.NotFound
            && !cloud.bucket().has(RemoteName.manifests(World.TENANT)));
  }

  private void others(Node node, Instant end) {
    boolean goesOn = !node.disk().isDead() && node.server().now().isBefore(end);
    if (goesOn && world.random().nextInt(3) == 0) {
      if (world.random().nextBoolean()) {
        node.server().threads().pass(Duration.ofSeconds(1 + world.random().nextInt(4)));
      }
      for (int i = 1 + world.random().nextInt(4); i > 0; i--) {
        node.server().threads().step();
      }
    }
  }
}
