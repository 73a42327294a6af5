package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// What is wrong with a timeline, if anything, and what it was told to do. Any thread may call any
/// method.
final class Condition {

  /// Whether it serves.
  enum Service {
    RUNNING,
    /// Serves no more; makes durable what it has.
    STOPPING,
    STOPPED
  }

  private final String timeline;
  private final DamagedFiles damaged;
  private final AtomicReference<Service> service = new AtomicReference<>(Service.RUNNING);
  private final AtomicLong failures = new AtomicLong();
  private volatile @Nullable String broken;
  private volatile @Nullable String failing;
  private volatile @Nullable String lost;
  private volatile boolean deleting;
  private volatile boolean closed;

  /// @param broken why the timeline can't be used at all; null: it can
  Condition(String timeline, @Nullable String broken, DamagedFiles damaged) {
    this.timeline = timeline;
    this.broken = broken;
    this.damaged = damaged;
  }

  TimelineState state(boolean imported) {
    String brokenNow = broken;
    String failingNow = failing;
    String lostNow = lost;
    if (deleting) {
      return new TimelineState.Deleting();
    } else if (lostNow != null) {
      return new TimelineState.Lost(lostNow);
    } else if (brokenNow != null) {
      return new TimelineState.Broken(brokenNow);
    } else if (service.get() != Service.RUNNING) {
      return new TimelineState.Stopped();
    } else if (failingNow != null) {
      return new TimelineState.Failing(failingNow);
    }
    return imported ? new TimelineState.Active() : new TimelineState.Importing();
  }

  DamagedFiles damaged() {
    return damaged;
  }

  /// @param reason null: all is well again
  void setFailing(@Nullable String reason) {
    failing = reason;
    if (reason != null) {
      failures.incrementAndGet();
    }
  }

  /// How often something has failed.
  long failures() {
    return failures.get();
  }

  @Nullable String failing() {
    return failing;
  }

  /// Another node has the tenant by now.
  void setLost(String reason) {
    lost = reason;
  }

  boolean isLost() {
    return lost != null;
  }

  /// It is broken still, perhaps for another reason.
  void setBroken(String reason) {
    broken = reason;
  }

  boolean isBroken() {
    return broken != null;
  }

  /// @return false when it was not `before`
  boolean setService(Service before, Service after) {
    return service.compareAndSet(before, after);
  }

  Service service() {
    return service.get();
  }

  void setDeleting(boolean now) {
    deleting = now;
  }

  boolean isDeleting() {
    return deleting;
  }

  void setClosed() {
    closed = true;
  }

  /// Whether no more work should begin.
  boolean isEnding() {
    return deleting || closed;
  }

  /// Whether reads, writers and background work may begin.
  boolean isRunning() {
    return !isEnding() && broken == null && lost == null && service.get() == Service.RUNNING;
  }

  /// For the timeline's own clients.
  ///
  /// @throws PageserverException.Unavailable when it is stopped; and as {@link #requireUsable}
  void requireRunning() {
    requireUsable();
    if (service.get() != Service.RUNNING) {
      throw new PageserverException.Unavailable(stopped());
    }
  }

  /// What clients of a stopped timeline are told.
  String stopped() {
    return "timeline \"%s\" is stopped; varve start %s lets it go on".formatted(timeline, timeline);
  }

  /// For its branches, which read through it even while it is stopped, and for what keeps it.
  ///
  /// @throws PageserverException.DataCorrupted when the timeline is broken
  /// @throws PageserverException.Unavailable when it is being deleted or closed, or its tenant is
  ///   another node's
  void requireUsable() {
    String reason = broken;
    if (reason != null) {
      throw new PageserverException.DataCorrupted(
          "timeline \"" + timeline + "\" is broken: " + reason);
    }
    String lostNow = lost;
    if (lostNow != null) {
      throw new PageserverException.Unavailable(lostNow);
    }
    if (deleting) {
      throw new PageserverException.Unavailable("timeline \"" + timeline + "\" is being deleted");
    }
    if (closed) {
      throw new PageserverException.Unavailable("the server shuts down");
    }
  }
}
