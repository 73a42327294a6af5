package dev.varve.postgres.control;

import dev.varve.model.PageserverException;

/// The state of a cluster as its control file has it (`DBState`).
public enum ClusterState {
  STARTING_UP(0),
  SHUT_DOWN(1),
  SHUT_DOWN_IN_RECOVERY(2),
  SHUTTING_DOWN(3),
  IN_CRASH_RECOVERY(4),
  IN_ARCHIVE_RECOVERY(5),
  IN_PRODUCTION(6);

  private static final ClusterState[] ALL = values();

  private final int number;

  ClusterState(int number) {
    this.number = number;
  }

  /// PostgreSQL's number.
  public int number() {
    return number;
  }

  /// @throws PageserverException.DataCorrupted if no state has the number
  static ClusterState of(int number) {
    if (number < 0 || number >= ALL.length) {
      throw new PageserverException.DataCorrupted("the control file has the state " + number);
    }
    return ALL[number];
  }
}
