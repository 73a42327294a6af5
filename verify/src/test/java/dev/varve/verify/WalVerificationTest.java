package dev.varve.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.cluster.ClusterBuilder;
import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.cluster.Trees;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.testkit.workload.MixedWorkload;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Archives of real servers whose records carry an image of every page, and damaged ones.
class WalVerificationTest {

  private static final int CLIENTS = 3;

  /// Few, so that pages come and go.
  private static final int CACHED_PAGES = 256;

  private Path folder;

  @BeforeEach
  void makeFolder() throws IOException {
    folder = Files.createTempDirectory("varve-verify-test-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterEach
  void deleteFolder() throws IOException {
    Trees.delete(folder);
  }

  private static ClusterBuilder server(int major) throws IOException {
    return MixedWorkload.settings(LocalCluster.builder(PostgresBinaries.of(major)), CLIENTS)
        .setting("wal_consistency_checking", "all")
        .setting("wal_keep_size", "20GB")
        .setting("max_wal_size", "20GB")
        .setting("track_commit_timestamp", "on");
  }

  private static void load(LocalCluster cluster, int steps) throws Exception {
    try (Load load =
        MixedWorkload.on(cluster).start(cluster::connect, Load.Plan.steps(CLIENTS, 5, steps))) {
      load.await();
    }
  }

  private WalVerification.Options options(Path base, Path data) {
    return new WalVerification.Options(
        base,
        data.resolve("pg_wal"),
        Optional.empty(),
        Optional.empty(),
        Optional.of(data),
        folder.resolve("scratch"),
        CACHED_PAGES);
  }

  private static Verdict verify(WalVerification.Options options) throws IOException {
    return WalVerification.run(options, _ -> {});
  }

  private void requireNothingLeft() throws IOException {
    assertThat(folder.resolve("scratch")).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void findsNothingWrongInWhatAServerDid(int major) throws Exception {
    try (LocalCluster cluster = server(major).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      load(cluster, 150);
      cluster.execute(
          "set wal_consistency_checking = ''; create table plain as"
              + " select g, md5(g::text) v from generate_series(1, 5000) g; create index on plain (v)",
          "checkpoint",
          "set wal_consistency_checking = ''; delete from plain where g % 50 = 0");
      cluster.stop(StopMode.FAST);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.mismatches()).as("%s", verdict.total()).isEmpty();
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      assertThat(verdict.total().checked()).isGreaterThan(20_000);
      assertThat(verdict.total().images()).isGreaterThan(20);
      assertThat(verdict.brokenPages()).isZero();
      assertThat(verdict.version()).isEqualTo(major);
      assertThat(verdict.counts())
          .filteredOn(count -> count.checked() > 0)
          .extracting(TypeCount::type)
          .contains("Heap/INSERT", "Heap2/MULTI_INSERT", "Btree/INSERT_LEAF", "files at the end")
          .anyMatch(type -> type.startsWith("Hash/"))
          .anyMatch(type -> type.startsWith("Gin/"))
          .anyMatch(type -> type.startsWith("Gist/") || type.startsWith("SPGist/"));
      requireNothingLeft();
    }
  }

  /// A copy made of a running server: pages in it are newer than the log, torn, or gone later.
  @ParameterizedTest
  @ValueSource(ints = {14, 17})
  void beginsWithABackupOfARunningServer(int major) throws Exception {
    try (LocalCluster cluster = server(major).start()) {
      load(cluster, 60);
      Path base;
      try (Load load =
          MixedWorkload.on(cluster).start(cluster::connect, Load.Plan.steps(CLIENTS, 6, 150))) {
        base = backUp(cluster, major);
        load.await();
      }
      cluster.stop(StopMode.FAST);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.mismatches()).as("%s", verdict.total()).isEmpty();
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      assertThat(verdict.consistent().orElseThrow()).isBetween(verdict.start(), verdict.end());
      assertThat(verdict.total().checked()).isGreaterThan(5_000);
    }
  }

  /// PostgreSQL logs the visibility maps of a new database as pages with a hole, without their
  /// bits, and its own recovery has none of them; the server has.
  @ParameterizedTest
  @ValueSource(ints = {15, 18})
  void passesOverTheBitsThatCreateDatabaseLeavesOutOfTheLog(int major) throws Exception {
    try (LocalCluster cluster = server(major).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      execute(
          cluster,
          "template1",
          "create table t as select g, 0 as v from generate_series(1, 2000) g",
          "vacuum freeze t");
      cluster.execute("create database copied strategy wal_log");
      execute(cluster, "copied", "update t set v = 1 where g = 2", "vacuum t");
      execute(cluster, "copied", "delete from t where g = 1000", "vacuum t");
      cluster.stop(StopMode.FAST);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.mismatches()).as("%s", verdict.total()).isEmpty();
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      // Once an image has shown the bits they are compared again.
      assertThat(verdict.counts())
          .filteredOn(count -> count.type().equals("Heap2/VISIBLE"))
          .singleElement()
          .satisfies(count -> assertThat(count.checked()).isGreaterThan(count.seen()));
    }
  }

  /// pg_surgery logs a page that it has changed as an image alone; bloom does not log what an
  /// unlogged index is reset to.
  @Test
  void allowsWhatExtensionsDoBesideTheLog() throws Exception {
    try (LocalCluster cluster = server(18).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute(
          "create extension pg_surgery",
          "create table t as select g from generate_series(1, 5) g",
          "select heap_force_freeze('t'::regclass, array['(0,2)']::tid[])",
          "select heap_force_kill('t'::regclass, array['(0,3)']::tid[])",
          "create extension bloom",
          "create unlogged table u as select g from generate_series(1, 5) g",
          "create index on u using bloom (g)");
      cluster.stop(StopMode.FAST);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.mismatches()).as("%s", verdict.total()).isEmpty();
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
    }
  }

  @Test
  void stopsWhereTheLogLeavesThingsOut() throws Exception {
    try (LocalCluster cluster =
        server(16)
            .setting("wal_level", "minimal")
            .setting("max_wal_senders", "0")
            .setting("wal_skip_threshold", "0")
            .create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute("create table t as select g from generate_series(1, 1000) g");
      cluster.stop(StopMode.FAST);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.isGood()).isFalse();
      assertThat(verdict.reason().orElseThrow()).contains("wal_level = minimal");
      assertThat(verdict.mismatches()).isEmpty();
    }
  }

  private static void execute(LocalCluster cluster, String database, String... statements)
      throws SQLException {
    try (Connection connection = cluster.connect(database);
        Statement statement = connection.createStatement()) {
      for (String sql : statements) {
        statement.execute(sql);
      }
    }
  }

  @Test
  void namesThePageThatIsNotAsItShouldBe() throws Exception {
    try (LocalCluster cluster = server(17).start()) {
      cluster.execute(
          "create table t (id int, v text)",
          "insert into t select g, 'row ' || g from generate_series(1, 50) g");
      String file = cluster.query("select pg_relation_filepath('t')");
      cluster.stop(StopMode.FAST);
      Path base = copy(cluster.dataDirectory());
      flip(base.resolve(file), 8100);
      cluster.start();
      // Without an image of the whole page, which would mend it.
      cluster.execute("alter system set full_page_writes = off", "select pg_reload_conf()");
      while (!cluster.query("show full_page_writes").equals("off")) {
        Thread.onSpinWait();
      }
      cluster.execute("checkpoint", "update t set v = 'other' where id = 7", "delete from t");
      cluster.stop(StopMode.FAST);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.isGood()).isFalse();
      Mismatch first = verdict.mismatches().getFirst();
      assertThat(first.type()).startsWith("Heap/");
      assertThat(first.page()).isEqualTo("block 0 of " + file.replace("base", "1663"));
      assertThat(first.difference()).anyMatch(line -> line.startsWith("bytes 8100 to 8100 are"));
      assertThat(first.history()).isNotEmpty();
      // After it the page is the server's: the other records are found right.
      assertThat(verdict.total().mismatched()).isEqualTo(1);
    }
  }

  @Test
  void showsEachPageAsRedoLeftIt() throws Exception {
    try (LocalCluster cluster = server(17).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute(
          "create table t (id int)",
          "insert into t values (1)",
          "insert into t values (2)",
          "delete from t where id = 1",
          "vacuum t");
      String file = cluster.query("select pg_relation_filepath('t')");
      cluster.stop(StopMode.FAST);
      int relation = Integer.parseInt(file.replaceAll(".*/", ""));
      List<Integer> items = new ArrayList<>();
      List<Long> lsns = new ArrayList<>();
      Set<String> others = new TreeSet<>();
      byte[] last = new byte[Page.SIZE];
      Verdict verdict =
          WalVerification.run(
              options(base, cluster.dataDirectory()),
              _ -> {},
              (key, lsn, page) -> {
                lsns.add(lsn);
                if (key.relation() == relation && key.fork() == 0) {
                  items.add(Page.pointers(page));
                  MemorySegment.ofArray(last).copyFrom(page);
                } else {
                  others.add(key.kind() + (key.relation() == relation ? " of t" : ""));
                }
              });
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      assertThat(items).startsWith(1, 2, 2).hasSizeGreaterThan(3);
      assertThat(lsns).isSorted();
      assertThat(others).contains("0", "0 of t", "1"); // the map of t; the commit log
      byte[] theirs = Files.readAllBytes(cluster.dataDirectory().resolve(file));
      for (byte[] page : List.of(last, theirs)) {
        PageMask.byLooks(MemorySegment.ofArray(page), 0);
      }
      assertThat(last).isEqualTo(theirs);
    }
  }

  @Test
  void saysWhereTheLogIsDamagedAndWhatIsMissing() throws Exception {
    try (LocalCluster cluster = server(18).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute("create table early ()");
      Lsn early = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()"));
      load(cluster, 150);
      cluster.execute("select pg_switch_wal()", "create table late ()");
      cluster.stop(StopMode.FAST);
      Path wal = cluster.dataDirectory().resolve("pg_wal");
      Path archive = Files.createDirectory(folder.resolve("archive"));
      try (Stream<Path> segments = Files.list(wal)) {
        for (Path segment : (Iterable<Path>) segments.filter(Files::isRegularFile)::iterator) {
          Files.copy(segment, archive.resolve(segment.getFileName()));
        }
      }
      Path first;
      try (Stream<Path> segments = Files.list(archive)) {
        first = segments.sorted().findFirst().orElseThrow();
      }
      flip(first, 12_000_000);
      var options =
          new WalVerification.Options(
              base,
              archive,
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              folder.resolve("scratch"),
              CACHED_PAGES);
      Verdict damaged = verify(options);
      assertThat(damaged.isGood()).isFalse();
      assertThat(damaged.reason().orElseThrow()).contains("0/");
      assertThat(damaged.mismatches()).isEmpty();

      // A copy made too early has zeroes from some record on, and the log goes on all the same.
      Files.copy(wal.resolve(first.getFileName()), first, StandardCopyOption.REPLACE_EXISTING);
      assertThat(verify(options).reason()).isEmpty();
      clear(first, (int) (early.value() % (16 << 20)));
      Verdict stale = verify(options);
      assertThat(stale.isGood()).isFalse();
      assertThat(stale.end()).isEqualTo(early);
      assertThat(stale.reason().orElseThrow()).contains("zeroes", early.toString());

      Files.delete(first);
      assertThatThrownBy(() -> verify(options))
          .isInstanceOf(PageserverException.InvalidRequest.class)
          .hasMessageContaining("there is no WAL from " + damaged.start() + " on");
      requireNothingLeft();
    }
  }

  @Test
  void judgesAPartAndStopsWhereItIsTold() throws Exception {
    try (LocalCluster cluster = server(16).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute("create table t as select g from generate_series(1, 100) g");
      Lsn from = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()"));
      cluster.execute("insert into t values (101), (102)");
      Lsn to = Lsn.parse(cluster.query("select pg_current_wal_insert_lsn()"));
      cluster.execute("drop table t");
      cluster.stop(StopMode.FAST);
      Verdict verdict =
          verify(
              new WalVerification.Options(
                  base,
                  cluster.dataDirectory().resolve("pg_wal"),
                  Optional.of(from),
                  Optional.of(to),
                  Optional.empty(),
                  folder.resolve("scratch"),
                  CACHED_PAGES));
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      assertThat(verdict.counts())
          .filteredOn(count -> count.type().equals("Heap/INSERT"))
          .singleElement()
          .returns(2L, TypeCount::seen);
      assertThat(verdict.end()).isGreaterThanOrEqualTo(to);
    }
  }

  /// No server here has such an extension: its record is written behind the last of the log.
  @Test
  void passesByAnExtensionsRecordWithoutBlocks() throws Exception {
    try (LocalCluster cluster = server(17).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute("create table t (a int)", "insert into t values (1)");
      cluster.query("select pg_switch_wal()");
      cluster.stop(StopMode.FAST);
      append(cluster.dataDirectory(), 200);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      assertThat(verdict.counts())
          .filteredOn(count -> count.type().startsWith("custom200"))
          .singleElement()
          .satisfies(count -> assertThat(count.seen()).isEqualTo(1));
      assertThat(verdict.total().unknown()).isZero();
    }
  }

  /// Writes a record of two bytes behind the shutdown checkpoint, which begins a segment.
  private static void append(Path data, int rmgr) throws IOException {
    ControlFile control =
        ControlFile.parse(
            MemorySegment.ofArray(Files.readAllBytes(data.resolve("global/pg_control"))));
    long last = control.checkPointLsn();
    int size = control.walSegmentSize();
    var name = new SegmentName(1, (int) (last >>> 32), (int) ((last & 0xFFFF_FFFFL) / size));
    Path file = data.resolve("pg_wal").resolve(name.toString());
    byte[] segment = Files.readAllBytes(file);
    var bytes = ByteBuffer.wrap(segment).order(ByteOrder.LITTLE_ENDIAN);
    int at = (int) (last % size) + (bytes.getInt((int) (last % size)) + 7 & -8);
    assertThat(at % 8192).isBetween(40, 8192 - 32);
    bytes.putInt(at, 28).putInt(at + 4, 0).putLong(at + 8, last);
    bytes.put(at + 16, (byte) 0).put(at + 17, (byte) rmgr);
    bytes.putInt(at + 24, 0xBBAA_02FF); // main data, two bytes of it
    var crc = new CRC32C();
    crc.update(segment, at + 24, 4);
    crc.update(segment, at, 20);
    bytes.putInt(at + 20, (int) crc.getValue());
    Files.write(file, segment);
  }

  @Test
  void refusesWhatIsNoBase() {
    assertThatThrownBy(() -> verify(options(folder, folder)))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("base.tar");
  }

  private Path copy(Path data) throws IOException {
    Path base = folder.resolve("base");
    Files.walkFileTree(
        data,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS), // to tablespaces
        Integer.MAX_VALUE,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Path target = base.resolve(data.relativize(file));
            if (!file.startsWith(data.resolve("pg_wal"))) {
              Files.createDirectories(target.getParent());
              Files.write(target, content(file));
            }
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException failure) {
            return FileVisitResult.CONTINUE;
          }
        });
    return base;
  }

  /// Files come and go in a running server: one that has gone is as good as an empty one.
  private static byte[] content(Path file) throws IOException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return new byte[0];
    }
  }

  private Path backUp(LocalCluster cluster, int major) throws Exception {
    boolean old = major < 15;
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          old
              ? "select pg_start_backup('test', true, false)"
              : "select pg_backup_start('test', true)");
      Path base = copy(cluster.dataDirectory());
      try (ResultSet row =
          statement.executeQuery(
              "select labelfile from "
                  + (old ? "pg_stop_backup(false, false)" : "pg_backup_stop(false)"))) {
        row.next();
        Files.writeString(base.resolve("backup_label"), row.getString(1));
      }
      return base;
    }
  }

  private static void clear(Path file, int from) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Arrays.fill(bytes, from, bytes.length, (byte) 0);
    Files.write(file, bytes);
  }

  private static void flip(Path file, long at) throws IOException {
    try (var bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.seek(at);
      int old = bytes.read();
      bytes.seek(at);
      bytes.write(old ^ 0x40);
    }
  }
}
