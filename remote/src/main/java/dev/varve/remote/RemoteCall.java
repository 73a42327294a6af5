package dev.varve.remote;

import java.time.Duration;

/// How a caller wants an operation done.
///
/// @param attempts how often it is tried at most
/// @param limit how long it may take, with waiting and all attempts
public record RemoteCall(Urgency urgency, int attempts, Duration limit) {

  private static final Duration EVER = Duration.ofDays(36_500);

  public RemoteCall {
    if (attempts < 1 || !limit.isPositive() || limit.compareTo(EVER) > 0) {
      throw new IllegalArgumentException("can't try " + attempts + " times within " + limit);
    }
  }

  /// As often as it takes within the limit.
  public static RemoteCall within(Duration limit, Urgency urgency) {
    return new RemoteCall(urgency, Integer.MAX_VALUE, limit);
  }

  /// Again and again until it is done, or the thread is interrupted, or the store refuses.
  public static RemoteCall untilDone(Urgency urgency) {
    return within(EVER, urgency);
  }

  /// Once.
  public static RemoteCall once(Duration limit, Urgency urgency) {
    return new RemoteCall(urgency, 1, limit);
  }
}
