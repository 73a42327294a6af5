package dev.varve.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.model.Lsn;
import java.nio.file.Path;
import java.sql.Connection;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A real server, a real timeline, and ends of both under load: no page differs afterwards.
class FollowedTimelineTest {

  private static final Tpcb BANK = new Tpcb(1, 3000);

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"14, 1", "15, 2", "16, 3", "17, 4", "18, 5"})
  void noPageDiffersAfterAnyEnds(int major, long seed) throws Exception {
    var random = new SplittableRandom(seed);
    try (var cluster = LocalCluster.builder(PostgresBinaries.of(major)).start()) {
      try (Connection connection = cluster.connect()) {
        BANK.initialize(connection);
      }
      Source source = Side.source(cluster);
      try (var load = BANK.start(cluster::connect, Load.Plan.endless(2, seed).reconnecting())) {
        try (var side = new Side(folder)) {
          side.importFrom(source);
        }
        for (int end = 0; end < 6; end++) {
          try (var side = new Side(folder);
              var _ = side.follow(source)) {
            load.await(load.steps() + random.nextInt(5, 100));
            if (random.nextBoolean()) {
              side.timeline().checkpoint();
              load.await(load.steps() + random.nextInt(50));
            }
            if (random.nextInt(3) > 0) {
              cluster.kill();
              cluster.start();
              load.await(load.steps() + random.nextInt(50));
            }
          }
        }
      }
      compare(cluster, source);
    }
  }

  private void compare(LocalCluster cluster, Source source) throws Exception {
    int database = Side.database(cluster);
    try (var side = new Side(folder);
        var receiver = side.follow(source)) {
      cluster.execute("checkpoint");
      Side.await(receiver, () -> receiver.status().state() == ReceiverState.STREAMING);
      cluster.stop(StopMode.FAST);
      Lsn end = receiver.status().sourceEnd();
      Side.await(receiver, () -> !receiver.status().received().isBefore(end));
      int pages = side.samePages(cluster, database);
      assertThat(pages).isGreaterThan(500);
    }
  }
}
