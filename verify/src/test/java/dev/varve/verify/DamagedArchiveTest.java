package dev.varve.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.StopMode;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/// Archives and bases that are damaged, incomplete, or judged in part.
class DamagedArchiveTest extends VerifiedServers {

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
      stopFullPageWrites(cluster);
      cluster.execute("update t set v = 'other' where id = 7", "delete from t");
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

  /// The checkpointer takes notice of the setting some time after the reload; then checkpoints say
  /// so.
  private static void stopFullPageWrites(LocalCluster cluster) throws SQLException {
    cluster.execute("alter system set full_page_writes = off", "select pg_reload_conf()");
    do {
      cluster.execute("checkpoint");
    } while (!cluster.query("select full_page_writes from pg_control_checkpoint()").equals("f"));
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

  @Test
  void refusesWhatIsNoBase() {
    assertThatThrownBy(() -> verify(options(folder, folder)))
        .isInstanceOf(PageserverException.InvalidRequest.class)
        .hasMessageContaining("base.tar");
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
