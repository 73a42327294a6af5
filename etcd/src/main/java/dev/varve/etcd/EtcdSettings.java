package dev.varve.etcd;

import java.time.Duration;

/// How a node uses etcd.
///
/// @param node its name, which other nodes see
/// @param callLimit how long a call may take
/// @param leaseTime after this without a sign of life the node counts as gone; whole seconds
public record EtcdSettings(String node, Duration callLimit, Duration leaseTime) {

  public EtcdSettings {
    if (!node.matches("[A-Za-z0-9._-]{1,100}")) {
      throw new IllegalArgumentException("\"" + node + "\" is no name for a node");
    }
    if (!callLimit.isPositive() || leaseTime.toSeconds() < 2) {
      throw new IllegalArgumentException("calls must have time, and a lease two seconds or more");
    }
  }

  public static EtcdSettings of(String node) {
    return new EtcdSettings(node, Duration.ofSeconds(5), Duration.ofSeconds(15));
  }
}
