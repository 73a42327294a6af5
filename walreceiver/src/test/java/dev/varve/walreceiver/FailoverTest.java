package dev.varve.walreceiver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.datadir.DataDirectory;
import dev.varve.model.Lsn;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The source is replaced by its standby while Varve is down: what was taken in must be the new
/// one's past, or nothing more comes in.
class FailoverTest {

  private static final String SLOT = "select pg_create_physical_replication_slot('varve', true)";
  private static final String ROWS = "insert into t select generate_series(1, 20000)";

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(ints = {14, 18})
  void aServerThatNeverHadOurLastWalIsRefused(int major) throws Exception {
    try (var primary = LocalCluster.builder(PostgresBinaries.of(major)).start();
        var standby = Standby.of(primary)) {
      primary.execute("create table t (a int)", ROWS);
      catchUp(primary, standby);
      standby.execute(SLOT);
      standby.stop(StopMode.FAST);
      Source old = Side.source(primary);
      try (var side = new Side(folder)) {
        side.importFrom(old);
      }
      primary.execute(ROWS);
      Lsn end = follow(old, current(primary));
      primary.kill();

      standby.start();
      standby.execute("select pg_promote()");
      // Far beyond what we have: LSNs alone would not tell.
      for (int i = 0; i < 4; i++) {
        standby.execute(ROWS, "select pg_switch_wal()");
      }
      standby.execute(ROWS);
      assertThat(current(standby)).isGreaterThan(end);
      try (var side = new Side(folder);
          var receiver = side.follow(sameSlot(standby, old))) {
        Side.await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError())
            .isEqualTo(
                "the source's history has no WAL of PostgreSQL timeline 1 up to "
                    + end
                    + ": it was promoted before that; import it again");
        DataDirectory view = DataDirectory.at(side.timeline(), side.timeline().lastRecordLsn());
        assertThat(view.lsn()).isEqualTo(end);
        assertThat(view.databases()).isNotEmpty();
        assertThat(view.checkPoint().tli()).isEqualTo(1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 18})
  void aServerThatHasOurPastIsFollowedAcrossItsPromotions(int major) throws Exception {
    try (var primary = LocalCluster.builder(PostgresBinaries.of(major)).start();
        var standby = Standby.of(primary)) {
      primary.execute("create table t (a int)", ROWS);
      catchUp(primary, standby);
      standby.execute(SLOT);
      Source old = Side.source(primary);
      int database = Side.database(primary);
      try (var side = new Side(folder)) {
        side.importFrom(old);
      }
      Lsn ours = follow(old, current(primary));
      primary.execute(ROWS);
      catchUp(primary, standby);
      primary.kill();
      standby.execute("select pg_promote()", ROWS);
      assertThat(current(standby)).isGreaterThan(ours);
      Source promoted = sameSlot(standby, old);
      follow(promoted, current(standby));

      // Again: from the middle of PostgreSQL timeline 2 on.
      standby.execute("update t set a = a + 1 where a % 7 = 0");
      try (var side = new Side(folder);
          var receiver = side.follow(promoted)) {
        Side.await(receiver, () -> receiver.status().state() == ReceiverState.STREAMING);
        standby.execute("checkpoint");
        standby.stop(StopMode.FAST);
        Lsn end = receiver.status().sourceEnd();
        Side.await(receiver, () -> !receiver.status().received().isBefore(end));
        DataDirectory view = DataDirectory.at(side.timeline(), side.timeline().lastRecordLsn());
        assertThat(view.checkPoint().tli()).isEqualTo(2);
        assertThat(side.samePages(standby, database)).isGreaterThan(250);
      }
      primary.start();
      primary.execute(ROWS);
      try (var side = new Side(folder);
          var receiver = side.follow(old)) {
        Side.await(receiver, () -> receiver.status().state() == ReceiverState.BLOCKED);
        assertThat(receiver.status().lastError())
            .contains("no WAL of PostgreSQL timeline 2 up to")
            .endsWith("it is still on an older one; give the server that took over from it");
      }
    }
  }

  /// Follows until an LSN is here and durable.
  ///
  /// @return the end of the last record
  private Lsn follow(Source source, Lsn until) throws Exception {
    try (var side = new Side(folder)) {
      try (var receiver = side.follow(source)) {
        Side.await(receiver, () -> !receiver.status().received().isBefore(until));
      }
      side.timeline().checkpoint();
      return side.timeline().lastRecordLsn();
    }
  }

  private static Source sameSlot(LocalCluster other, Source source) {
    return new Source(Side.info(other), source.slot(), source.systemId(), source.major());
  }

  private static Lsn current(LocalCluster cluster) throws Exception {
    return Lsn.parse(cluster.query("select pg_current_wal_flush_lsn()"));
  }

  private static void catchUp(LocalCluster primary, LocalCluster standby) throws Exception {
    String end = current(primary).toString();
    while (!standby.query("select pg_last_wal_replay_lsn() >= '" + end + "'").equals("t")) {
      Thread.sleep(Duration.ofMillis(20));
    }
  }
}
