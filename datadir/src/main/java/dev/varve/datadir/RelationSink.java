package dev.varve.datadir;

/// Takes the relation forks of a database, in the order of their keys.
@FunctionalInterface
public interface RelationSink {

  /// @param blocks number of blocks
  void relation(RelationFork fork, long blocks);
}
