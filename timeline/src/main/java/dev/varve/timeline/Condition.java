package dev.varve.timeline;

import dev.varve.model.PageserverException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// What is wrong with a timeline, if anything. Any thread may call any method.
final class Condition {

  private final String timeline;
  private volatile @Nullable String broken;
  private volatile @Nullable String failing;
  private final AtomicLong failures = new AtomicLong();
  private volatile boolean deleting;
  private volatile boolean closed;

  /// @param broken why the timeline can't be used at all; null: it can
  Condition(String timeline, @Nullable String broken) {
    this.timeline = timeline;
    this.broken = broken;
  }

  TimelineState state(boolean imported) {
    String brokenNow = broken;
    String failingNow = failing;
    if (deleting) {
      return new TimelineState.Deleting();
    } else if (brokenNow != null) {
      return new TimelineState.Broken(brokenNow);
    } else if (failingNow != null) {
      return new TimelineState.Failing(failingNow);
    }
    return imported ? new TimelineState.Active() : new TimelineState.Importing();
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

  boolean isBroken() {
    return broken != null;
  }

  void setDeleting(boolean now) {
    deleting = now;
  }

  void setClosed() {
    closed = true;
  }

  /// Whether no more work should begin.
  boolean isEnding() {
    return deleting || closed;
  }

  /// @throws PageserverException.DataCorrupted when the timeline is broken
  /// @throws PageserverException.Unavailable when it is being deleted, or closed
  void requireUsable() {
    String reason = broken;
    if (reason != null) {
      throw new PageserverException.DataCorrupted(
          "timeline \"" + timeline + "\" is broken: " + reason);
    }
    if (deleting) {
      throw new PageserverException.Unavailable("timeline \"" + timeline + "\" is being deleted");
    }
    if (closed) {
      throw new PageserverException.Unavailable("the server shuts down");
    }
  }
}
