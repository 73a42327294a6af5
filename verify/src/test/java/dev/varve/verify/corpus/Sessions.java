package dev.varve.verify.corpus;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;

/// A workload's sessions, in which `random()` is the same each time.
///
/// @param seed for `setseed`, from -1 to 1
record Sessions(LocalCluster cluster, double seed) {

  private static final int CLIENTS = 3;
  private static final int ROUNDS = 4;

  /// Which is part of the game.
  private static final String DEADLOCK = "40P01";

  /// In one session.
  void execute(String... statements) throws SQLException {
    cluster.execute(
        Stream.concat(Stream.of("select setseed(" + seed + ")"), Stream.of(statements))
            .toArray(String[]::new));
  }

  /// Several sessions that do the same sort of thing at the same time, while yet another maintains
  /// what they change.
  ///
  /// @param steps of each session
  void executeAtOnce(
      int steps, Function<SplittableRandom, List<String>> step, String... maintenance)
      throws SQLException, InterruptedException {
    Load.Client client =
        (connection, random) -> {
          try (Statement statement = connection.createStatement()) {
            for (String sql : step.apply(random)) {
              statement.execute(sql);
            }
          } catch (SQLException e) {
            if (!DEADLOCK.equals(e.getSQLState())) {
              throw e;
            }
          }
        };
    Load.Plan plan = Load.Plan.steps(CLIENTS, 1, steps);
    try (Load load = Load.start(cluster::connect, plan, _ -> client)) {
      for (int i = 0; i < ROUNDS; i++) {
        cluster.execute(maintenance);
      }
      load.await();
    }
  }
}
