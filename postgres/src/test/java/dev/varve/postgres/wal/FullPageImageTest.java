package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FullPageImageTest {

  private static final int PAGE = FullPageImage.PAGE_SIZE;

  private static void forEachRecord(SampleWal wal, RecordHandler handler) {
    wal.decoder().feed(wal.bytes(), 0, wal.bytes().byteSize(), handler);
  }

  /// pg_walinspect shows restored pages from 16 on.
  @ParameterizedTest
  @EnumSource(
      names = {"V14", "V15"},
      mode = EnumSource.Mode.EXCLUDE)
  void restoresWhatTheServerRestores(PgVersion version) throws Exception {
    SampleWal wal = SampleWal.of(version);
    var ours = new HashMap<String, String>();
    var methods = new TreeSet<Integer>();
    MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
    MessageDigest md5 = MessageDigest.getInstance("MD5");
    forEachRecord(
        wal,
        record -> {
          for (int i = 0; i < record.blockCount(); i++) {
            if (record.hasImage(i) && record.endLsn() <= wal.end()) {
              FullPageImage.restore(record, i, page);
              methods.add(record.imageCompression(i));
              ours.put(
                  Lsn.format(record.startLsn()) + " " + record.blockId(i),
                  HexFormat.of().formatHex(md5.digest(page.toArray(JAVA_BYTE))));
            }
          }
        });
    assertThat(ours).hasSizeGreaterThan(1000).isEqualTo(wal.images());
    assertThat(methods).contains(FullPageImage.NONE, FullPageImage.PGLZ);
  }

  /// The image of a page after its last change is what the file has, but for LSN and checksum.
  @ParameterizedTest
  @ValueSource(ints = {14, 15, 16, 17, 18})
  void restoresWhatTheFileHas(int major) throws Exception {
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(major))
            .walSegmentMegabytes(64)
            .setting("autovacuum", "off")
            .start()) {
      Map<String, Path> files = new HashMap<>();
      for (String method : WalWorkload.compressions(cluster)) {
        Path file = cluster.dataDirectory().resolve(changeEveryPage(cluster, method));
        files.put(file.getFileName().toString(), file);
      }
      Path directory = cluster.dataDirectory().resolve("pg_wal");
      String segment = cluster.query("select pg_walfile_name(pg_current_wal_lsn())");
      cluster.stop(StopMode.FAST);
      MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(directory.resolve(segment)));
      var methods = new TreeSet<Integer>();
      Map<String, byte[]> images = imagesOfDeletions(bytes, methods);
      int pages = 0;
      for (var entry : files.entrySet()) {
        MemorySegment file = MemorySegment.ofArray(Files.readAllBytes(entry.getValue()));
        for (long block = 0; block < file.byteSize() / PAGE; block++, pages++) {
          assertThat(file.asSlice(block * PAGE + 10, PAGE - 10).toArray(JAVA_BYTE))
              .as("block %d of %s", block, entry.getValue())
              .isEqualTo(images.get(entry.getKey() + " " + block));
        }
      }
      assertThat(pages).isGreaterThan(60);
      assertThat(methods).contains(FullPageImage.NONE, FullPageImage.PGLZ);
    }
  }

  /// Makes a table of which every page then changes once, by a deletion.
  ///
  /// @return its file
  private static String changeEveryPage(LocalCluster cluster, String method) throws SQLException {
    String table = "compressed_" + method;
    cluster.execute(
        "create table "
            + table
            + " as select i, md5((i/3)::text) t from generate_series(1, 4000) i",
        "vacuum (freeze) " + table,
        "checkpoint");
    try (Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      statement.execute("set wal_compression = " + method);
      statement.execute("delete from " + table + " where ctid::text like '%,7)'");
    }
    return cluster.query("select pg_relation_filepath('" + table + "')");
  }

  /// The images that heap deletions carry, without LSN and checksum, by relation and block.
  private static Map<String, byte[]> imagesOfDeletions(MemorySegment wal, Set<Integer> methods) {
    Map<String, byte[]> images = new HashMap<>();
    WalDecoder.ofSegment(wal, 0)
        .feed(
            wal,
            0,
            wal.byteSize(),
            record -> {
              String type = RecordType.fullName(record.version(), record.rmgr(), record.info());
              for (int i = 0; i < record.blockCount() && type.equals("Heap/DELETE"); i++) {
                if (record.fork(i) == 0 && record.hasImage(i)) {
                  MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
                  FullPageImage.restore(record, i, page);
                  methods.add(record.imageCompression(i));
                  images.put(
                      record.relation(i) + " " + record.block(i),
                      page.asSlice(10).toArray(JAVA_BYTE));
                }
              }
            });
    return images;
  }

  /// One page of an index as PostgreSQL 15.18 logged it under each `wal_compression`; the servers
  /// that these tests run have no LZ4 and zstd.
  private record Image(MemorySegment stored, int compression) {
    private static final int HOLE_OFFSET = 588;
    private static final int HOLE_LENGTH = 820;

    static Image read(int compression) throws IOException {
      String name = List.of("none", "pglz", "lz4", "zstd").get(compression);
      try (var in = FullPageImageTest.class.getResourceAsStream("/wal/page-image." + name)) {
        return new Image(
            MemorySegment.ofArray(Objects.requireNonNull(in).readAllBytes()), compression);
      }
    }

    void restore(MemorySegment bytes, int length, MemorySegment page) {
      FullPageImage.restore(bytes, 0, length, HOLE_OFFSET, HOLE_LENGTH, compression, page);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {FullPageImage.PGLZ, FullPageImage.LZ4, FullPageImage.ZSTD})
  void expandsEveryMethod(int compression) throws IOException {
    MemorySegment plain = Image.read(FullPageImage.NONE).stored;
    Image image = Image.read(compression);
    for (MemorySegment page :
        List.of(MemorySegment.ofArray(new byte[PAGE]), Arena.ofAuto().allocate(PAGE))) {
      page.fill((byte) 1);
      image.restore(image.stored, (int) image.stored.byteSize(), page);
      long holeEnd = Image.HOLE_OFFSET + Image.HOLE_LENGTH;
      assertThat(page.asSlice(0, Image.HOLE_OFFSET).mismatch(plain.asSlice(0, Image.HOLE_OFFSET)))
          .isEqualTo(-1);
      assertThat(page.asSlice(holeEnd).mismatch(plain.asSlice(Image.HOLE_OFFSET))).isEqualTo(-1);
      assertThat(page.asSlice(Image.HOLE_OFFSET, Image.HOLE_LENGTH).toArray(JAVA_BYTE))
          .containsOnly(0);
    }
  }

  /// Damage may give a wrong page where the method has no checksum, but nothing worse: no other
  /// exception, and no byte written beyond the page.
  @ParameterizedTest
  @ValueSource(
      ints = {FullPageImage.NONE, FullPageImage.PGLZ, FullPageImage.LZ4, FullPageImage.ZSTD})
  void staysWithinThePageWhateverTheImage(int compression) throws IOException {
    Image image = Image.read(compression);
    var random = new SplittableRandom(7);
    int refused = 0;
    for (int round = 0; round < 6000; round++) {
      byte[] bytes = image.stored.toArray(JAVA_BYTE);
      int length = bytes.length;
      if (round % 3 == 0) {
        length = random.nextInt(length);
      } else if (round % 3 == 1) {
        bytes[random.nextInt(length)] ^= (byte) (1 << random.nextInt(8));
      } else {
        random.nextBytes(bytes);
      }
      boolean restored = restoreGuarded(image, bytes, length, round % 2 == 0);
      assertThat(restored && round % 3 == 0).as("a truncated image, to %d", length).isFalse();
      refused += restored ? 0 : 1;
    }
    assertThat(refused).isGreaterThanOrEqualTo(2000);
  }

  private static boolean restoreGuarded(Image image, byte[] bytes, int length, boolean offHeap) {
    try (Arena arena = Arena.ofConfined()) {
      int guard = 64;
      MemorySegment room =
          offHeap
              ? arena.allocate(PAGE + 2 * guard)
              : MemorySegment.ofArray(new byte[PAGE + 2 * guard]);
      room.fill((byte) 0x5A);
      boolean restored = true;
      try {
        image.restore(MemorySegment.ofArray(bytes), length, room.asSlice(guard, PAGE));
      } catch (WalException _) {
        restored = false;
      }
      assertThat(room.asSlice(0, guard).toArray(JAVA_BYTE)).containsOnly(0x5A);
      assertThat(room.asSlice(guard + PAGE).toArray(JAVA_BYTE)).containsOnly(0x5A);
      return restored;
    }
  }

  /// The decompressor's own failure is another one here than for other damage.
  @Test
  void refusesAZstdFrameOfImpossibleSize() {
    byte[] frame = HexFormat.of().parseHex("28b52ffde4001f4d00001000ff0000fbdf032cb48fa405");
    MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
    assertThatThrownBy(() ->
            FullPageImage.restore(
                MemorySegment.ofArray(frame), 0, frame.length, 0, 0, FullPageImage.ZSTD, page))
        .isInstanceOf(WalException.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void cutsNoHoleOutsideThePage() {
    MemorySegment bytes = MemorySegment.ofArray(new byte[PAGE]);
    MemorySegment page = MemorySegment.ofArray(new byte[PAGE]);
    int[][] impossible = {
      {PAGE, 1, 0, 0},
      {PAGE - 1, 0, 0, 0},
      {100, 8000, 8092, 0},
      {100, -1, 8092, 0},
      {-1, 0, 0, 0},
      {100, 8000, 193, 0},
      {PAGE + 1, 0, 0, 1},
      {100, 0, 0, 4},
    };
    for (int[] bad : impossible) {
      assertThatThrownBy(
              () -> FullPageImage.restore(bytes, 0, bad[2], bad[0], bad[1], bad[3], page))
          .isInstanceOf(WalException.class);
    }
    assertThatThrownBy(() -> FullPageImage.restore(bytes, 1, PAGE, 0, 0, 0, page))
        .isInstanceOf(WalException.class);
    assertThatThrownBy(
            () -> FullPageImage.restore(bytes, 0, PAGE, 0, 0, 0, page.asSlice(0, PAGE - 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
