package dev.varve.postgres.page;

import static dev.varve.postgres.PgLayout.BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.StopMode;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.relmap.RelationMap;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Every file of the data directory of a real server, stopped cleanly.
class DataDirectoryPagesTest {

  private final Map<PageKind, Integer> seen = new EnumMap<>(PageKind.class);
  private final Map<Class<?>, Integer> files = new HashMap<>();
  private int flips;
  private int missed;

  @ParameterizedTest
  @EnumSource
  void everyFileIsKnownAndEveryPageIsInOrder(PgVersion version) throws Exception {
    try (LocalCluster cluster = ServerPages.start(version)) {
      Map<Integer, String> methods = accessMethods(cluster);
      int database =
          Integer.parseInt(cluster.query("select oid from pg_database where datname = 'postgres'"));
      cluster.stop(StopMode.FAST);
      Path data = cluster.dataDirectory();
      for (Path file : filesOf(data)) {
        String name = data.relativize(file).toString();
        DataFile kind = new DataFiles(version).of(name);
        files.merge(kind.getClass(), 1, Integer::sum);
        switch (kind) {
          case DataFile.RelationSegment segment ->
              checkSegment(file, segment, segment.database() == database ? methods : Map.of());
          case DataFile.RelationMapFile _ ->
              RelationMap.parse(version, MemorySegment.ofArray(Files.readAllBytes(file)));
          case DataFile.Control _ -> {
            var control = ControlFile.parse(MemorySegment.ofArray(Files.readAllBytes(file)));
            assertThat(control.version()).isEqualTo(version);
            assertThat(control.toBytes()).isEqualTo(Files.readAllBytes(file));
          }
          case DataFile.Other other ->
              assertThat(other.path()).matches("[a-z_.]+\\.conf|pg_logical/.*");
          case DataFile.SlruSegment _ -> assertThat(Files.size(file) % Page.SIZE).isZero();
          case DataFile.VersionFile _ ->
              assertThat(Files.readString(file)).isEqualTo(version.major() + "\n");
          case DataFile.Ignored _,
              DataFile.WalSegment _,
              DataFile.TimelineHistoryFile _,
              DataFile.TwoPhase _,
              DataFile.Label _,
              DataFile.Manifest _,
              DataFile.TablespaceMapFile _ -> {}
        }
      }
    }
    // A checksum of 16 bits is right by chance once in 65535 times.
    assertThat(flips).isGreaterThan(30_000);
    assertThat(missed).isLessThan(flips / 10_000);
    assertThat(files.get(DataFile.RelationSegment.class)).isGreaterThan(900);
    assertThat(files.get(DataFile.SlruSegment.class)).isEqualTo(4);
    assertThat(files.get(DataFile.RelationMapFile.class)).isEqualTo(4);
    assertThat(files.get(DataFile.VersionFile.class)).isEqualTo(4);
    assertThat(seen)
        .containsKeys(
            PageKind.HEAP,
            PageKind.BTREE,
            PageKind.HASH,
            PageKind.GIST,
            PageKind.GIN,
            PageKind.SPGIST,
            PageKind.BRIN,
            PageKind.BLOOM,
            PageKind.SEQUENCE,
            PageKind.VISIBILITY_MAP,
            PageKind.FREE_SPACE_MAP)
        .doesNotContainKey(PageKind.UNKNOWN);
  }

  private static Map<Integer, String> accessMethods(LocalCluster cluster) throws SQLException {
    Map<Integer, String> methods = new HashMap<>();
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select pg_relation_filenode(c.oid), coalesce(am.amname, 'sequence')"
                    + " from pg_class c left join pg_am am on am.oid = c.relam"
                    + " where c.relkind in ('r', 'i', 't', 'S', 'm')")) {
      while (rows.next()) {
        methods.put(rows.getInt(1), rows.getString(2));
      }
    }
    return methods;
  }

  private static List<Path> filesOf(Path data) throws IOException {
    try (Stream<Path> all = Files.walk(data)) {
      return all.filter(Files::isRegularFile).toList();
    }
  }

  private void checkSegment(
      Path file, DataFile.RelationSegment segment, Map<Integer, String> methods)
      throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    assertThat(bytes.length % Page.SIZE).as("%s", file).isZero();
    for (int block = 0; block < bytes.length / Page.SIZE; block++) {
      MemorySegment page =
          MemorySegment.ofArray(bytes).asSlice((long) block * Page.SIZE, Page.SIZE);
      String name = file + " block " + block;
      Page.check(page, name);
      assertThat(Checksum.isRight(page, block)).as("checksum of %s", name).isTrue();
      PageView view = PageView.of(page, segment.fork(), block);
      assertThat(view.damage()).as("%s", name).isNull();
      assertThat(view.checksum()).isTrue();
      seen.merge(view.kind(), 1, Integer::sum);
      String method = methods.get(segment.relation());
      if (method != null && view.kind() != PageKind.NEW) {
        assertThat(view.kind()).as("%s", name).isEqualTo(expected(segment.fork(), method));
      }
      if (block % 16 == 0 && view.kind() != PageKind.NEW) {
        attackChecksum(page, block, name);
      }
    }
  }

  private static PageKind expected(int fork, String method) {
    return switch (fork) {
      case 1 -> PageKind.FREE_SPACE_MAP;
      case 2 -> PageKind.VISIBILITY_MAP;
      default -> PageKind.valueOf(method.toUpperCase(Locale.ROOT));
    };
  }

  /// The checksum notices a page at the wrong place, and a flipped bit anywhere.
  private void attackChecksum(MemorySegment page, int block, String name) {
    assertThat(Checksum.isRight(page, block + 1)).as("%s elsewhere", name).isFalse();
    for (int bit = 0; bit < Page.SIZE * 8; bit += 1023) {
      long at = bit / 8;
      byte before = page.get(BYTE, at);
      page.set(BYTE, at, (byte) (before ^ 1 << bit % 8));
      flips++;
      missed += Checksum.isRight(page, block) ? 1 : 0;
      page.set(BYTE, at, before);
    }
  }
}
