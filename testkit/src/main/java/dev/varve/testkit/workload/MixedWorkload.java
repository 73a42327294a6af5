package dev.varve.testkit.workload;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;

/// A load of everything that makes WAL interesting, in tables that come and go.
///
/// Each client has a schema `w<number>`, whose relations are all it touches, and databases,
/// tablespaces and prepared transactions whose names begin with that. What it does is decided by
/// the seed and its number. It leaves some prepared transactions open. Indexes are of all types.
///
/// The server needs `max_prepared_transactions` of at least 4 a client.
///
/// @param features what to do besides rows and transactions
/// @param directories makes directories for tablespaces
public record MixedWorkload(Set<Feature> features, Directories directories) {

  /// What may be left out.
  public enum Feature {
    /// CREATE, DROP, TRUNCATE, VACUUM FULL, CLUSTER, REINDEX, ALTER of tables.
    DEFINITIONS,
    /// CREATE and DROP DATABASE, by both strategies.
    DATABASES,
    /// CREATE and DROP TABLESPACE, and tables that move.
    TABLESPACES,
    /// PREPARE TRANSACTION.
    PREPARED,
    /// Checkpoints and segment switches.
    CHECKPOINTS
  }

  /// Makes an empty directory that belongs to the server.
  public interface Directories {
    Path make(String name) throws IOException;
  }

  /// The settings that the server needs for so many clients.
  public static ClusterBuilder settings(ClusterBuilder cluster, int clients) {
    return cluster
        .setting("max_prepared_transactions", String.valueOf(4 * clients + 2))
        .setting("deadlock_timeout", "100ms");
  }

  /// All features.
  public static MixedWorkload on(LocalCluster cluster) {
    return new MixedWorkload(Set.of(Feature.values()), cluster::newDirectory);
  }

  /// Some features.
  public static MixedWorkload on(LocalCluster cluster, Set<Feature> features) {
    return new MixedWorkload(features, cluster::newDirectory);
  }

  /// Starts the clients; a step is one operation.
  public Load start(Load.ConnectionSource source, Load.Plan plan) {
    return Load.start(source, plan, number -> new MixedClient(this, source, number));
  }
}
