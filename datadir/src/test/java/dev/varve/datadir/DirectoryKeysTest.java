package dev.varve.datadir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.slru.Slru;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The key space is a format on disk: these are its bytes.
class DirectoryKeysTest {

  private static final RelationFork TABLE =
      new RelationFork(1663, 16384, 2619, RelationFork.VISIBILITY_MAP);

  @Test
  void keysOfRelations() {
    assertThat(DirectoryKeys.relationBlock(TABLE, 7))
        .hasToString("000000067F0000400000000A3B0200000007");
    assertThat(DirectoryKeys.relationSize(TABLE))
        .hasToString("610000067F0000400000000A3B0200000000");
    assertThat(DirectoryKeys.relationMap(1664, 0))
        .hasToString("000000068000000000000000000000000000");
    assertThat(DirectoryKeys.relationOf(DirectoryKeys.relationSize(TABLE))).isEqualTo(TABLE);
  }

  @Test
  void keysOfSlruPages() {
    assertThat(DirectoryKeys.slruPage(Slru.MULTIXACT_OFFSETS, 32 * 5 + 31))
        .hasToString("010000000200000001000000050000" + "00001F");
    assertThat(DirectoryKeys.slruSize(Slru.MULTIXACT_MEMBERS, 0x14078))
        .hasToString("660000000100000000000140780000000000");
  }

  @Test
  void keysOfSingleValues() {
    assertThat(DirectoryKeys.CONTROL_FILE).hasToString("030000000000000000000000000000000000");
    assertThat(DirectoryKeys.CHECKPOINT).hasToString("030000000000000000000000000000000001");
    assertThat(DirectoryKeys.NEXT_XID).hasToString("030000000000000000000000000000000002");
    assertThat(DirectoryKeys.database(1663, 5)).hasToString("640000067F00000005000000000000000000");
    assertThat(DirectoryKeys.prepared(0x1_0000_02F7L))
        .hasToString("670000000000000001000002F70000000000");
    assertThat(DirectoryKeys.tablespace(16400)).hasToString("680000401000000000000000000000000000");
    assertThat(DirectoryKeys.replicationOrigin(3))
        .hasToString("630000000000000000000000000000000003");
  }

  @Test
  void keysOfCommitTimes() {
    long lsn = 0x1234_5678_9ABC_DEF0L;
    long bucket = DirectoryKeys.commitBucket(lsn);
    assertThat(DirectoryKeys.commitTimes(bucket))
        .hasToString("6900000000000000123456789A0000000000");
    assertThat(DirectoryKeys.commitTimeBefore(bucket).kind()).isEqualTo(0x6A);
    assertThat(DirectoryKeys.bucketOf(DirectoryKeys.commitTimes(bucket))).isEqualTo(bucket);
    assertThat(new Lsn(DirectoryKeys.commitBucketStart(bucket)))
        .isEqualTo(new Lsn(0x1234_5678_9A00_0000L));
  }

  @Test
  void aFilesKeyIsTheHashOfItsPath() throws NoSuchAlgorithmException {
    assertThat(DirectoryKeys.otherFile("postgresql.conf"))
        .hasToString("62" + sha256Prefix("postgresql.conf"));
  }

  private static String sha256Prefix(String path) throws NoSuchAlgorithmException {
    byte[] hash =
        MessageDigest.getInstance("SHA-256").digest(path.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().withUpperCase().formatHex(hash, 0, 17);
  }

  @Test
  void theSizesOfADatabaseAreOneRange() {
    KeyRange range = DirectoryKeys.relationSizes(1663, 5);
    assertThat(range.contains(DirectoryKeys.relationSize(new RelationFork(1663, 5, 1, 0))))
        .isTrue();
    assertThat(range.contains(DirectoryKeys.relationSize(new RelationFork(1663, 5, -1, 3))))
        .isTrue();
    assertThat(range.contains(DirectoryKeys.relationSize(new RelationFork(1663, 6, 1, 0))))
        .isFalse();
    assertThat(range.contains(DirectoryKeys.relationSize(new RelationFork(1663, 4, -1, 3))))
        .isFalse();
  }

  @Test
  void userTablespacesOfAnyOidAreKeys_pitfall33() {
    RelationFork fork = new RelationFork(0xFFFF_FFF0, 0x9000_0000, 0xFFFF_FFFF, 0);
    Key key = DirectoryKeys.relationBlock(fork, 0xFFFF_FFFE);
    assertThat(DirectoryKeys.relationOf(Key.of(key.upper(), key.middle(), key.lower())))
        .isEqualTo(fork);
  }

  @Test
  void valuesSurviveTheirBytes() {
    var file = new OtherFile("conf.d/ä.conf", 3);
    byte[] value = file.encode(new byte[] {1, 2, 3});
    assertThat(OtherFile.decode(value)).isEqualTo(file);
    assertThat(OtherFile.contents(value)).containsExactly(1, 2, 3);
    var large = new OtherFile("root.crl", (5 << 20) + 1);
    assertThat(large.inPieces()).isTrue();
    assertThat(large.pieces()).isEqualTo(6);
    assertThat(large.pieceSize(4)).isEqualTo(1 << 20);
    assertThat(large.pieceSize(5)).isEqualTo(1);
    assertThat(OtherFile.decode(large.encode(new byte[0]))).isEqualTo(large);
    for (Tablespace tablespace :
        List.of(new Tablespace(16400, "/mnt/ssd"), new Tablespace(16401, ""))) {
      assertThat(Tablespace.decode(tablespace.oid(), tablespace.encode())).isEqualTo(tablespace);
    }
    var origin = new ReplicationOrigin(9, new Lsn(77), new Lsn(88));
    assertThat(ReplicationOrigin.decode(9, origin.encode())).isEqualTo(origin);
  }

  @Test
  void damagedValuesAreRefused() {
    for (byte[] value :
        List.of(
            new byte[0],
            new byte[] {0},
            new byte[] {2, 65},
            new byte[] {1, 1, 1},
            new byte[] {1, 0, 0, -128, 65},
            new byte[] {1, 0, 0, -128, 65, 1, 0, 0, 0, 0, 0, 0, 0})) {
      assertThatThrownBy(() -> Tablespace.decode(1, value))
          .isInstanceOf(PageserverException.DataCorrupted.class);
      assertThatThrownBy(() -> OtherFile.decode(value))
          .isInstanceOf(PageserverException.DataCorrupted.class);
      assertThatThrownBy(() -> ReplicationOrigin.decode(1, value))
          .isInstanceOf(PageserverException.DataCorrupted.class);
    }
  }
}
