package dev.varve.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.StopMode;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.testkit.workload.MixedWorkload;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32C;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Archives of real servers whose records carry an image of every page.
class WalVerificationTest extends VerifiedServers {

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

  /// A server unlinks some files only with the checkpoint after the one that a backup begins with,
  /// and no record of that backup's log says that they are dropped.
  @Test
  void passesOverTheEmptyFileOfWhatWasDroppedBeforeTheBackup() throws Exception {
    try (LocalCluster cluster = quietServer(17).start()) {
      Path base = backUp(cluster, 17);
      Path relation = base.resolve(cluster.query("select pg_relation_filepath('pg_class')"));
      Files.createFile(relation.resolveSibling("99998"));
      Files.write(relation.resolveSibling("99999"), new byte[Page.SIZE]);
      cluster.stop(StopMode.FAST);
      assertThat(verify(options(base, cluster.dataDirectory())).mismatches())
          .flatExtracting(Mismatch::difference)
          .singleElement(InstanceOfAssertFactories.STRING)
          .endsWith("/99999 has no file");
    }
  }

  /// PostgreSQL logs the visibility maps of a new database as pages with a hole, without their
  /// bits, and its own recovery has none of them; the server has.
  @ParameterizedTest
  @ValueSource(ints = {15, 18})
  void passesOverTheBitsThatCreateDatabaseLeavesOutOfTheLog(int major) throws Exception {
    try (LocalCluster cluster = quietServer(major).create()) {
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
      cluster.execute(
          "create database again template copied strategy wal_log",
          "create database files template again strategy file_copy");
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
    try (LocalCluster cluster = quietServer(18).create()) {
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

  @Test
  void showsEachPageAsRedoLeftIt() throws Exception {
    try (LocalCluster cluster = quietServer(17).create()) {
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

  /// No server here has such an extension: its record is written behind the last of the log.
  @Test
  void passesByAnExtensionsRecordWithoutBlocks() throws Exception {
    try (LocalCluster cluster = quietServer(17).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.execute("create table t (a int)", "insert into t values (1)");
      cluster.query("select pg_switch_wal()");
      cluster.stop(StopMode.FAST);
      append(cluster.dataDirectory(), 200, 0, 0, 0xAA, 0xBB);
      Verdict verdict = verify(options(base, cluster.dataDirectory()));
      assertThat(verdict.isGood()).as("%s", verdict).isTrue();
      assertThat(verdict.counts())
          .filteredOn(count -> count.type().startsWith("custom200"))
          .singleElement()
          .satisfies(count -> assertThat(count.seen()).isEqualTo(1));
      assertThat(verdict.total().unknown()).isZero();
    }
  }

  /// What is stopped before it has a transaction id logs a file and no end of itself.
  @ParameterizedTest
  @ValueSource(ints = {0, 900})
  void passesOverTheEmptyFileOfWhatWasStoppedBeforeItHadAnId(int xid) throws Exception {
    try (LocalCluster cluster = server(16).create()) {
      Path base = copy(cluster.dataDirectory());
      cluster.start();
      cluster.query("select pg_switch_wal()");
      cluster.stop(StopMode.FAST);
      int create = RecordType.STORAGE_CREATE;
      int[] file = {0x7F, 6, 0, 0, 5, 0, 0, 0, 0x9F, 0x86, 1, 0, 0, 0, 0, 0};
      append(cluster.dataDirectory(), ResourceManager.STORAGE.id(), create, xid, file);
      assertThat(verify(options(base, cluster.dataDirectory())).mismatches())
          .flatExtracting(Mismatch::difference)
          .isEqualTo(xid == 0 ? List.of() : List.of("1663/5/99999 has no file"));
    }
  }

  /// Writes a record behind the shutdown checkpoint, which begins a segment.
  private static void append(Path data, int rmgr, int info, int xid, int... mainData)
      throws IOException {
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
    assertThat(at % 8192).isBetween(40, 8192 - 64);
    bytes.putInt(at, 26 + mainData.length).putInt(at + 4, xid).putLong(at + 8, last);
    bytes.put(at + 16, (byte) info).put(at + 17, (byte) rmgr);
    bytes.put(at + 24, (byte) 0xFF).put(at + 25, (byte) mainData.length);
    for (int i = 0; i < mainData.length; i++) {
      bytes.put(at + 26 + i, (byte) mainData[i]);
    }
    var crc = new CRC32C();
    crc.update(segment, at + 24, 2 + mainData.length);
    crc.update(segment, at, 20);
    bytes.putInt(at + 20, (int) crc.getValue());
    Files.write(file, segment);
  }
}
