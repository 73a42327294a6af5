package dev.varve.testkit.workload;

import dev.varve.cluster.Load;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/// One client of the mixed workload; of one thread.
final class MixedClient implements Load.Client {

  /// Deadlock, serialization, lock not available, object in use, a tablespace that is not empty, a
  /// statement that took too long: two clients were in each other's way.
  private static final Set<String> IN_THE_WAY =
      Set.of("40P01", "40001", "55P03", "55006", "55000", "57014");

  /// What reads rows that are dead, but may be seen by transactions of another database. A vacuum
  /// has perhaps taken their TOAST chunks already, as it does not heed that database: PostgreSQL's
  /// bugs 18351 and 19519.
  private static final Set<String> REWRITING =
      Set.of(
          "vacuum full",
          "vacuum full catalog",
          "cluster",
          "create index",
          "reindex",
          "alter table");

  private final MixedWorkload workload;
  private final Load.ConnectionSource source;
  private final int number;
  private final List<Operation> operations = new ArrayList<>();
  private final int weights;
  private @Nullable Connection readied;

  MixedClient(MixedWorkload workload, Load.ConnectionSource source, int number) {
    this.workload = workload;
    this.source = source;
    this.number = number;
    operations.addAll(RowOperations.LIST);
    operations.addAll(TransactionOperations.LIST);
    for (MixedWorkload.Feature feature : MixedWorkload.Feature.values()) {
      if (workload.features().contains(feature)) {
        operations.addAll(
            switch (feature) {
              case DEFINITIONS -> DefinitionOperations.LIST;
              case DATABASES -> ServerOperations.DATABASES;
              case TABLESPACES -> ServerOperations.TABLESPACES;
              case PREPARED -> TransactionOperations.PREPARED;
              case CHECKPOINTS -> ServerOperations.CHECKPOINTS;
            });
      }
    }
    weights = operations.stream().mapToInt(Operation::weight).sum();
  }

  @Override
  public void step(Connection connection, SplittableRandom random) throws SQLException {
    var session = new WorkSession(workload, source, number, connection, random);
    if (!connection.equals(readied)) {
      session.sql("set lock_timeout = '500ms'; set client_min_messages = error");
      session.sql("create schema if not exists %s", session.prefix());
      session.sql("set search_path = %s", session.prefix());
      readied = connection;
    }
    Operation operation = choose(random);
    try {
      operation.body().run(session);
    } catch (SQLException e) {
      boolean isHarmless =
          IN_THE_WAY.contains(String.valueOf(e.getSQLState()))
              || isKnownBug(operation, e)
              || isEnding(e);
      if (connection.isClosed() || !isHarmless) {
        throw new SQLException(operation.name() + ": " + e.getMessage(), e.getSQLState(), e);
      }
      if (!connection.getAutoCommit()) {
        connection.rollback();
        connection.setAutoCommit(true);
      }
    }
  }

  private static boolean isKnownBug(Operation operation, SQLException e) {
    return REWRITING.contains(operation.name())
        && "XX001".equals(e.getSQLState())
        && String.valueOf(e.getMessage()).contains("missing chunk number 0 for toast value");
  }

  /// A server that ends its sessions ends the programs that they run, too, and the session may say
  /// that before it goes.
  private static boolean isEnding(SQLException e) {
    return "38000".equals(e.getSQLState())
        && String.valueOf(e.getMessage()).contains("terminated by signal 15");
  }

  private Operation choose(SplittableRandom random) {
    int at = random.nextInt(weights);
    for (Operation operation : operations) {
      at -= operation.weight();
      if (at < 0) {
        return operation;
      }
    }
    throw new AssertionError("weights");
  }
}
