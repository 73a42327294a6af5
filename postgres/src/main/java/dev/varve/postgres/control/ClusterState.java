package dev.varve.postgres.control;

/// The state of a cluster as its control file has it; the order is that of PostgreSQL's numbers.
public enum ClusterState {
  STARTING_UP,
  SHUT_DOWN,
  SHUT_DOWN_IN_RECOVERY,
  SHUTTING_DOWN,
  IN_CRASH_RECOVERY,
  IN_ARCHIVE_RECOVERY,
  IN_PRODUCTION
}
