package dev.varve.postgres.wal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.nio.file.Files;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RecordNamesTest {

  /// One record of every manager and info byte's high bits; the one of the lowest LSN, 2 MiB, is a
  /// segment that a new server with segments of 1 MiB does not have any more.
  static CraftedWal everyType(PgVersion version) {
    var wal = new CraftedWal(version, 2L << 20);
    for (int rmgr = 0; rmgr <= ResourceManager.LOGICAL_MESSAGE.id(); rmgr++) {
      for (int info = 0; info <= 0xFF; info += 0x10) {
        boolean skipsTheSegment = rmgr == 0 && info == RecordType.XLOG_SWITCH;
        if (!skipsTheSegment) {
          // What is checked of an OVERWRITE_CONTRECORD is its length.
          wal.add(rmgr, info, 16);
        }
      }
    }
    return wal;
  }

  static WalStats stats(CraftedWal wal, PgVersion version) {
    var stats = new WalStats(version);
    wal.decoder().feed(wal.segment(), 0, wal.toBytes().length, stats);
    return stats;
  }

  @ParameterizedTest
  @EnumSource(names = "V14", mode = EnumSource.Mode.EXCLUDE)
  void areThoseOfTheServerForEveryNumber(PgVersion version) throws Exception {
    CraftedWal wal = everyType(version);
    List<String> ours = stats(wal, version).rows().stream().map(WalStats.Row::type).toList();
    long end = wal.position();
    // The server reads one record more than it counts.
    wal.add(0, RecordType.XLOG_NOOP, 0);
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(version.major()))
            .walSegmentMegabytes(1)
            .setting("min_wal_size", "2MB")
            .start()) {
      cluster.execute("create extension pg_walinspect", "checkpoint");
      var file =
          cluster
              .dataDirectory()
              .resolve("pg_wal")
              .resolve(new WalSegments(1 << 20).nameOf(1, wal.start()).toString());
      assertThat(file).doesNotExist();
      Files.write(file, Arrays.copyOf(wal.toBytes(), 1 << 20));
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      var names = new ArrayList<String>();
      try (Connection connection = cluster.connect();
          Statement statement = connection.createStatement();
          var rows =
              statement.executeQuery(
                  "select \"resource_manager/record_type\" from pg_get_wal_stats('"
                      + Lsn.format(wal.start())
                      + "', '"
                      + Lsn.format(end)
                      + "', true) where count > 0")) {
        while (rows.next()) {
          names.add(rows.getString(1));
        }
      }
      assertThat(ours).hasSize(names.size()).isEqualTo(names);
    }
  }

  /// There is no pg_walinspect in 14; the differences from 15, from its sources.
  @Test
  void areIn14Like15ButForDatabases() {
    for (int rmgr = 0; rmgr <= ResourceManager.LOGICAL_MESSAGE.id(); rmgr++) {
      for (int info = 0; info <= 0xFF; info += 0x10) {
        if (rmgr != ResourceManager.DATABASE.id()) {
          assertThat(RecordType.fullName(PgVersion.V14, rmgr, info))
              .isEqualTo(RecordType.fullName(PgVersion.V15, rmgr, info));
        }
      }
    }
    assertThat(RecordType.fullName(PgVersion.V14, 4, 0x00)).isEqualTo("Database/CREATE");
    assertThat(RecordType.fullName(PgVersion.V14, 4, 0x10)).isEqualTo("Database/DROP");
    assertThat(RecordType.fullName(PgVersion.V14, 4, 0x20)).isEqualTo("Database/UNKNOWN (20)");
  }

  @ParameterizedTest
  @CsvSource({"V14, 122", "V15, 123", "V16, 123", "V17, 124", "V18, 124"})
  void areListedOnceEach(PgVersion version, int count) {
    assertThat(RecordType.all(version))
        .hasSize(count)
        .allSatisfy(type ->
            assertThat(RecordType.fullName(version, type.manager().id(), type.type()))
                .isEqualTo(type.fullName()))
        .extracting(RecordType.Named::fullName)
        .doesNotHaveDuplicates()
        .contains("XLOG/NOOP", "Heap/INSERT+INIT", "Generic/Generic", "LogicalMessage/MESSAGE");
  }

  @Test
  void ignoreTheLowBits() {
    assertThat(RecordType.name(PgVersion.V17, 10, 0x83)).isEqualTo("INSERT+INIT");
    assertThat(RecordType.name(PgVersion.V17, 1, 0x80)).isEqualTo("COMMIT");
    assertThat(RecordType.fullName(PgVersion.V17, 130, 0x25)).isEqualTo("custom130/UNKNOWN (20)");
  }
}
