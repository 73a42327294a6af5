package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Tpcb;
import dev.varve.model.Lsn;
import dev.varve.testkit.workload.MixedWorkload;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A base backup taken under load and its WAL, restored as of five moments by Varve and by
/// PostgreSQL's own point-in-time recovery: both hold the same. And pages as of any LSN, compared
/// with what a verification of the WAL makes of them.
class EndToEndTest {

  private static final int CLIENTS = 2;

  @ParameterizedTest
  @MethodSource("dev.varve.e2e.Versions#all")
  void restoresWhatRecoveryMakes(int major) throws Exception {
    run(major, new Tpcb(1, 3_000), 50);
  }

  @Tag("nightly")
  @ParameterizedTest
  @MethodSource("dev.varve.e2e.Versions#all")
  void restoresWhatRecoveryMakesOfMuch(int major) throws Exception {
    run(major, new Tpcb(10, 50_000), 3_000);
  }

  /// @param steps of the mixed workload between two moments
  private static void run(int major, Tpcb bank, int steps) throws Exception {
    try (var scratch = Scratch.make();
        var source = source(major)) {
      prepare(source, bank);
      SourceBackup backup;
      List<Lsn> moments;
      try (Load transactions = bank.start(source::connect, Load.Plan.endless(CLIENTS, major));
          Load mixed = mixed(source).start(source::connect, Load.Plan.endless(CLIENTS, major))) {
        mixed.await(steps);
        backup = SourceBackup.take(source, scratch.of("backup"));
        moments = moments(source, mixed, steps);
        assertThat(transactions.steps()).isPositive();
      }
      assertThat(moments).allSatisfy(lsn -> assertThat(lsn).isGreaterThanOrEqualTo(backup.end()));
      Path wal = wal(source, scratch);
      Lsn end;
      try (var varve = Varve.start(scratch.path(), 512)) {
        varve.command(
            "import", "--tar", backup.tar().toString(), "--wal", wal.toString(), "--name", "main");
        VerifiedPages pages = VerifiedPages.of(backup, wal, scratch.path());
        pages.compare(varve, "main");
        varve.compact("main");
        pages.compare(varve, "main");
        end = Lsn.parse(varve.json("show", "main").path("last_record_lsn").asString());
        int answers = 0;
        for (Lsn lsn : moments) {
          answers += compare(scratch.path(), varve, backup, wal, lsn, source.binaries());
        }
        assertThat(answers).as("indexes of other types than btree").isPositive();
      }
      withoutHistory(scratch, backup, wal, moments, source.binaries(), end);
    }
  }

  /// Restores as of the last moment once more when nothing of before it is left.
  private static void withoutHistory(
      Scratch scratch,
      SourceBackup backup,
      Path wal,
      List<Lsn> moments,
      PostgresBinaries binaries,
      Lsn end)
      throws Exception {
    Lsn last = moments.getLast();
    String horizon = Long.toString(end.minus(last));
    try (var varve =
        Varve.start(scratch.path(), 512, "--pitr-interval", "0", "--gc-horizon", horizon)) {
      varve.compact("main");
      assertThat(varve.json("show", "main").path("min_readable_lsn").asString())
          .isEqualTo(last.toString());
      Path early = scratch.of("early");
      String before = last.plus(-8).toString();
      assertThat(varve.run("restore", "main", "--to", early.toString(), "--at", before).err())
          .contains("has no history as of");
      Path folder = Files.createDirectory(scratch.of("without-history"));
      compare(folder, varve, backup, wal, last, binaries);
    }
  }

  private static LocalCluster source(int major) throws Exception {
    return MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(major)), CLIENTS)
        .setting("track_commit_timestamp", "on")
        .setting("autovacuum_naptime", "1s")
        .setting("wal_compression", "on")
        .setting("max_wal_size", "64MB")
        .setting("wal_keep_size", "4GB")
        .start();
  }

  /// Not with tablespaces that come and go: PostgreSQL's recovery would make them where the
  /// source's are.
  private static MixedWorkload mixed(LocalCluster source) {
    return MixedWorkload.on(
        source, EnumSet.complementOf(EnumSet.of(MixedWorkload.Feature.TABLESPACES)));
  }

  private static void prepare(LocalCluster source, Tpcb bank) throws Exception {
    try (Connection connection = source.connect()) {
      bank.initialize(connection);
    }
    source.execute(
        "create tablespace depot location '%s'".formatted(source.newDirectory("depot")),
        "create table far (id serial primary key, v text) tablespace depot",
        "insert into far (v) select md5(g::text) from generate_series(1, 5000) g",
        "create table half (id serial primary key, v text)",
        "create index on half (v)");
  }

  /// Five, of which the second and the fourth lie in the middle of a transaction.
  private static List<Lsn> moments(LocalCluster source, Load load, int steps) throws Exception {
    var moments = new ArrayList<Lsn>();
    load.await(load.steps() + steps);
    source.execute("update far set v = v || 'x' where id % 7 = 0");
    moments.add(Lsn.parse(source.query("select pg_current_wal_insert_lsn()")));
    moments.add(inTheMiddle(source, load, steps / 4, "select 1"));
    load.await(load.steps() + steps);
    source.execute("delete from far where id % 3 = 0", "vacuum far");
    moments.add(Lsn.parse(source.query("select pg_current_wal_insert_lsn()")));
    moments.add(inTheMiddle(source, load, steps / 4, "savepoint a"));
    load.await(load.steps() + steps);
    moments.add(Lsn.parse(source.query("select pg_current_wal_insert_lsn()")));
    return moments;
  }

  /// A moment while a transaction has done a part of its work, which it then commits.
  private static Lsn inTheMiddle(LocalCluster source, Load load, int steps, String savepoint)
      throws SQLException, InterruptedException {
    try (Connection connection = source.connect();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("update far set v = v || 'y' where id % 5 = 0");
      load.await(load.steps() + steps);
      statement.execute(savepoint);
      statement.execute("insert into half (v) select md5(g::text) from generate_series(1, 2000) g");
      String now = Content.column(connection, "select pg_current_wal_insert_lsn()").getFirst();
      load.await(load.steps() + steps);
      statement.execute("update half set v = 'z' where id % 2 = 0");
      connection.commit();
      return Lsn.parse(now);
    }
  }

  /// Stops the source and copies its WAL.
  private static Path wal(LocalCluster source, Scratch scratch) throws Exception {
    source.stop(StopMode.FAST);
    Path wal = Files.createDirectory(scratch.of("wal"));
    try (var files = Files.newDirectoryStream(source.dataDirectory().resolve("pg_wal"), "0*")) {
      for (Path file : files) {
        Path copy = Files.copy(file, wal.resolve(file.getFileName()));
        Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-r--r--"));
      }
    }
    return wal;
  }

  /// @return how many indexes were asked that amcheck can't look into
  private static int compare(
      Path folder, Varve varve, SourceBackup backup, Path wal, Lsn lsn, PostgresBinaries pg)
      throws Exception {
    String name = lsn.toString().replace('/', '-');
    Path restored = folder.resolve("restored-" + name);
    varve.command("restore", "main", "--to", restored.toString(), "--at", lsn.toString());
    Path recovered = backup.extract(folder.resolve("recovered-" + name));
    try (var ours = quiet(LocalCluster.existing(pg, restored)).start();
        var theirs = quiet(LocalCluster.existing(pg, recovered)).recoverTo(lsn, wal).create()) {
      Content made = Content.of(ours);
      Amcheck checks = Amcheck.of(ours);
      IndexAnswers answers = IndexAnswers.of(ours);
      theirs.start();
      theirs.awaitPromotion(Duration.ofMinutes(3));
      Content truth = Content.of(theirs);
      assertThat(made.differences(truth)).as("restored as of %s", lsn).isEmpty();
      assertThat(checks.findings()).as("amcheck as of %s", lsn).isEmpty();
      assertThat(checks.checked()).isGreaterThan(200);
      assertThat(answers.findings()).as("index scans as of %s", lsn).isEmpty();
      return answers.asked();
    }
  }

  private static ClusterBuilder quiet(ClusterBuilder cluster) {
    return MixedWorkload.settings(cluster, CLIENTS)
        .setting("autovacuum", "off")
        .setting("archive_mode", "off");
  }
}
