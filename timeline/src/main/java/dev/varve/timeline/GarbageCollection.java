package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// Moves a timeline's GC cutoff, before which history need not be kept, and knows what is needed of
/// it all the same: branch points and leases. {@link Compaction} then drops what nothing needs.
///
/// The cutoff is durable before anybody may act on it. What is to be kept is registered first and
/// then compared with the cutoff; the cutoff is moved first, and then what is registered is looked
/// at: so one of the two sees the other. Any thread may call any method.
///
/// A read looks at the cutoff before it begins, and again when it is done: a merge that dropped
/// what the read wanted did so after the cutoff had passed it.
final class GarbageCollection {

  /// How often within the PITR interval is often enough for a timeline that nobody uses.
  private static final int LOOKS_AT_REST = 32;

  private final Timeline timeline;
  private final DurableIndex index;
  private final Shared shared;

  /// Branch points on this timeline and LSNs that are held, by who needs them.
  private final Map<Object, Lsn> needed = new ConcurrentHashMap<>();

  /// When it was last looked what was committed when.
  private volatile Instant lastLook = Instant.MIN;

  GarbageCollection(Timeline timeline, DurableIndex index, Shared shared) {
    this.timeline = timeline;
    this.index = index;
    this.shared = shared;
  }

  /// Keeps an LSN from now on. Whoever asks for it looks at the cutoff after this: if it has not
  /// passed the LSN by then, whoever moves it later finds the LSN here.
  ///
  /// It is kept here, and in the timelines before this one that have the history as of then.
  ///
  /// @param user a branch, or what holds the LSN
  void retain(Object user, Lsn at) {
    needed.put(user, at);
    GarbageCollection before = before();
    if (before != null && isOfAncestor(at)) {
      before.retain(user, at);
    }
  }

  private @Nullable GarbageCollection before() {
    Timeline ancestor = timeline.ancestorTimeline();
    return ancestor == null ? null : ancestor.garbage();
  }

  private boolean isOfAncestor(Lsn lsn) {
    return lsn.isBefore(timeline.identity().start());
  }

  /// What is needed of this timeline.
  Map<Object, Lsn> needed() {
    return Map.copyOf(needed);
  }

  void forget(Object user) {
    needed.remove(user);
    GarbageCollection before = before();
    if (before != null) {
      before.forget(user);
    }
  }

  /// Moves the cutoff as far as the settings say, and forgets leases that have ended.
  ///
  /// @return whether anything has changed
  boolean run() {
    if (!timeline.condition().isRunning() || !index.head().imported()) {
      return false;
    }
    IndexHead before = index.head();
    Lsn wanted = wanted().orElse(before.readableFrom());
    Instant now = shared.tasks().clock().instant();
    if (!wanted.isAfter(before.readableFrom())
        && before.leases().stream().allMatch(lease -> lease.until().isAfter(now))) {
      return false;
    }
    index.change(
        "the GC cutoff of \"" + timeline.name() + "\"",
        part -> part.withCutoff(Lsn.min(wanted, part.diskConsistentLsn()), now));
    return true;
  }

  /// Whether it is long since what was committed when was looked up, which the cutoff depends on.
  boolean isLookDue() {
    Duration pause = interval().orElse(Duration.ZERO).dividedBy(LOOKS_AT_REST);
    return !shared.tasks().clock().instant().isBefore(lastLook.plus(pause));
  }

  /// The PITR interval: the tenant's own, if it has one. Empty: not known at present.
  private Optional<Duration> interval() {
    return shared
        .records()
        .pitrInterval(timeline.tenant(), shared.settings().retention().pitrInterval());
  }

  private Optional<Lsn> wanted() {
    Optional<Duration> interval = interval();
    RetentionSettings retention = shared.settings().retention();
    long last = timeline.lastRecordLsn().value();
    if (interval.isEmpty() || Long.compareUnsigned(retention.horizon(), last) > 0) {
      return Optional.empty();
    }
    Lsn cutoff = Lsn.min(new Lsn(last - retention.horizon()), index.head().diskConsistentLsn());
    boolean isThere = !cutoff.isAfter(index.head().readableFrom());
    if (isThere || interval.get().isZero()) {
      return Optional.of(cutoff);
    }
    lastLook = shared.tasks().clock().instant();
    Instant moment = lastLook.minus(interval.get());
    return shared.model().commits().lsnAt(timeline, moment).map(lsn -> Lsn.min(lsn, cutoff));
  }

  /// LSNs before the cutoff that have to stay as they are, ascending. A lease that has ended counts
  /// until {@link #run} has forgotten it: were the clock set back, it would hold again.
  List<Lsn> retainedBefore(Lsn cutoff) {
    var points = new TreeSet<>(needed.values());
    for (Lease lease : index.head().leases()) {
      points.add(lease.lsn());
    }
    return new ArrayList<>(points.headSet(cutoff, false));
  }

  private boolean isValid(Lease lease) {
    return lease.until().isAfter(shared.tasks().clock().instant());
  }

  /// The GC cutoff; before its branch point a timeline has no more history than its ancestor has.
  Lsn readableFrom() {
    Lsn own = index.head().readableFrom();
    GarbageCollection before = before();
    return before == null || !isOfAncestor(own)
        ? own
        : Lsn.max(own, Lsn.min(timeline.identity().start(), before.readableFrom()));
  }

  /// Whether a read as of this LSN may begin, and what it found counts.
  boolean isReadable(Lsn lsn) {
    GarbageCollection before = before();
    return isKept(lsn) && (before == null || !isOfAncestor(lsn) || before.isReadable(lsn));
  }

  private boolean isKept(Lsn lsn) {
    IndexHead part = index.head();
    return !lsn.isBefore(part.readableFrom())
        || isHeld(lsn)
        || part.leases().stream().anyMatch(lease -> lease.lsn().equals(lsn) && isValid(lease));
  }

  /// A branch point is not readable for being needed: the branch is.
  private boolean isHeld(Lsn lsn) {
    return needed.entrySet().stream()
        .anyMatch(entry -> entry.getKey() instanceof Hold && entry.getValue().equals(lsn));
  }

  /// Keeps an LSN readable until the hold is closed.
  Hold hold(Lsn lsn) {
    var asked = new Object(); // makes nothing readable until it has been seen that all is there
    retain(asked, lsn);
    try {
      if (!isReadable(lsn)) {
        throw tooOld(lsn);
      }
      var hold =
          new Hold() {
            @Override
            public void close() {
              GarbageCollection.this.forget(this);
            }
          };
      retain(hold, lsn);
      return hold;
    } finally {
      forget(asked);
    }
  }

  /// Keeps an LSN readable for a while.
  Lease lease(Lsn lsn, Duration length) {
    GarbageCollection before = before();
    if (before != null && isOfAncestor(lsn)) {
      before.lease(lsn, length);
    }
    var lease = new Lease(lsn, shared.tasks().clock().instant().plus(length));
    index.change(
        "a lease of \"" + timeline.name() + "\" as of " + lsn,
        part -> {
          if (!isKept(lsn)) {
            throw tooOld(lsn);
          }
          return part.withLease(lease);
        });
    return index.head().leases().stream()
        .filter(other -> other.lsn().equals(lsn))
        .findFirst()
        .orElse(lease);
  }

  /// @throws PageserverException.DataCorrupted when a timeline before this one is broken: what it
  ///   has is not known
  PageserverException.InvalidRequest tooOld(Lsn lsn) {
    for (Timeline at = timeline.ancestorTimeline(); at != null; at = at.ancestorTimeline()) {
      at.condition().requireUsable();
    }
    return new PageserverException.InvalidRequest(
        "timeline \"%s\" has no history as of %s; the earliest it has is as of %s"
            .formatted(timeline.name(), lsn, timeline.readableFrom()));
  }
}
