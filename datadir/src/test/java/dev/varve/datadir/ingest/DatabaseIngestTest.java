package dev.varve.datadir.ingest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.CraftedTimeline;
import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.Database;
import dev.varve.datadir.RelationFork;
import dev.varve.datadir.Tablespace;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Databases and tablespaces that come and go.
class DatabaseIngestTest {

  private static final int DEFAULT = 1663;
  private static final int TEMPLATE = 5;
  private static final int COPY = 77;
  private static final RelationFork SOURCE = new RelationFork(DEFAULT, TEMPLATE, 1259, 0);

  @TempDir Path folder;

  private static CraftedRecord createByFiles(int tablespace, int database) {
    return new CraftedRecord(4, 0)
        .main(16, b -> b.putInt(database).putInt(tablespace).putInt(TEMPLATE).putInt(DEFAULT));
  }

  private static CraftedRecord createByLog(int database) {
    return new CraftedRecord(4, 0x10).main(8, b -> b.putInt(database).putInt(DEFAULT));
  }

  private static CraftedRecord drop(int type, int database) {
    return new CraftedRecord(4, type)
        .main(16, b -> b.putInt(database).putInt(2).putInt(DEFAULT).putInt(9999));
  }

  private static RelationFork in(int tablespace, int database, RelationFork fork) {
    return new RelationFork(tablespace, database, fork.relation(), fork.fork());
  }

  @Test
  void aDatabaseByTheLogIsAFolderAtFirst_pitfall19() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(createByLog(COPY));
      assertThat(crafted.now().databases()).containsExactly(new Database(DEFAULT, COPY, "17\n"));
      assertThat(crafted.now().databaseBytes(COPY)).isZero();
    }
  }

  @Test
  void aCopiedDatabaseHasTheTemplatesPagesOfThatMoment_pitfall19() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      copyAndCheck(crafted, 5);
    }
  }

  @Test
  void aGreatTemplateIsCopiedPastTheOpenLayer_pitfall28() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      for (int block = 0; block < 1300; block++) {
        crafted
            .log()
            .add(
                new CraftedRecord(0, 0xB0)
                    .image(
                        0,
                        new RelationFork(DEFAULT, TEMPLATE, 4444, 0),
                        block,
                        CraftedRecord.page(70_000 + block)));
      }
      crafted.feed();
      copyAndCheck(crafted, 1305);
      RelationFork big = new RelationFork(DEFAULT, COPY, 4444, 0);
      for (int block = 0; block < 1300; block++) {
        assertThat(crafted.mark(crafted.now(), big, block)).isEqualTo(70_000 + block);
      }
      crafted.restart();
      for (int block = 0; block < 1300; block += 100) {
        assertThat(crafted.mark(crafted.now(), big, block)).isEqualTo(70_000 + block);
      }
    }
  }

  private static void copyAndCheck(CraftedTimeline crafted, int blocks) throws IOException {
    RelationFork copy = in(DEFAULT, COPY, SOURCE);
    crafted.write(copy, 3, 999); // A stale page under the copy's key.
    crafted.write(SOURCE, 0, 10);
    crafted.write(SOURCE, 4, 14);
    crafted.add(createByLog(TEMPLATE));
    // All in one feed: the copy must see what has just been taken in, and nothing after it.
    crafted.log().add(new CraftedRecord(0, 0xB0).image(0, SOURCE, 2, CraftedRecord.page(12)));
    long at = crafted.log().add(createByFiles(DEFAULT, COPY));
    crafted.log().add(new CraftedRecord(0, 0xB0).image(0, SOURCE, 0, CraftedRecord.page(20)));
    crafted.log().add(new CraftedRecord(0, 0xB0).image(0, copy, 4, CraftedRecord.page(24)));
    crafted.feed();
    for (int i = 0; i < 2; i++) {
      DataDirectory then = DataDirectory.at(crafted.timeline(), new Lsn(at));
      assertThat(then.blocks(copy)).isEqualTo(5);
      assertThat(crafted.mark(then, copy, 0)).isEqualTo(10);
      assertThat(crafted.mark(then, copy, 2)).isEqualTo(12);
      assertThat(crafted.mark(then, copy, 3)).isZero();
      assertThat(crafted.mark(then, copy, 4)).isEqualTo(14);
      assertThat(crafted.mark(crafted.now(), copy, 4)).isEqualTo(24);
      assertThat(crafted.mark(crafted.now(), SOURCE, 4)).isEqualTo(14);
      assertThat(crafted.mark(crafted.now(), SOURCE, 0)).isEqualTo(20);
      assertThat(crafted.mark(crafted.now(), copy, 0)).isEqualTo(10);
      assertThat(crafted.now().databases()).contains(new Database(DEFAULT, COPY, "17\n"));
      assertThat(crafted.now().databaseBytes(COPY)).isEqualTo(blocks * 8192L);
      crafted.restart();
    }
  }

  @Test
  void aPageThatRedoCannotMakeIsNoPageInTheCopyEither() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.write(SOURCE, 0, 1);
      crafted.write(SOURCE, 1, 2);
      crafted.add(new CraftedRecord(130, 0).block(0, SOURCE, 0, 0, (byte) 1));
      crafted.add(createByFiles(DEFAULT, COPY));
      RelationFork copy = in(DEFAULT, COPY, SOURCE);
      assertThat(crafted.mark(crafted.now(), copy, 1)).isEqualTo(2);
      assertThatThrownBy(() -> crafted.mark(crafted.now(), copy, 0))
          .isInstanceOf(PageserverException.DataCorrupted.class);
      crafted.write(copy, 0, 5);
      assertThat(crafted.mark(crafted.now(), copy, 0)).isEqualTo(5);
    }
  }

  @Test
  void aDroppedDatabaseIsGoneWithItsRelationsAndSize_pitfall20() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(createByLog(COPY));
      RelationFork table = in(DEFAULT, COPY, SOURCE);
      crafted.write(table, 1, 1);
      crafted.add(relationMap(COPY, 524));
      Lsn before = crafted.timeline().lastRecordLsn();
      crafted.add(drop(0x20, COPY));
      assertThat(crafted.now().databases()).isEmpty();
      assertThat(crafted.now().exists(table)).isFalse();
      assertThat(crafted.now().databaseBytes(COPY)).isZero();
      assertThat(crafted.now().relationMap(DEFAULT, COPY)).isNull();
      crafted
          .now()
          .forEachRelation(
              DEFAULT, COPY, (fork, _) -> assertThat(fork).as("a relation is left").isNull());
      DataDirectory then = DataDirectory.at(crafted.timeline(), before);
      assertThat(then.databaseBytes(COPY)).isEqualTo(2 * 8192);
      assertThat(then.relationMap(DEFAULT, COPY)).hasSize(524);
      crafted.write(table, 0, 7);
      assertThat(crafted.now().blocks(table)).as("the size is not remembered").isEqualTo(1);
    }
  }

  @Test
  void version14HasOtherNumbers_pitfall20() throws IOException {
    try (var crafted = new CraftedTimeline(folder, PgVersion.V14)) {
      crafted.add(createByFiles(DEFAULT, COPY));
      assertThat(crafted.now().databases()).containsExactly(new Database(DEFAULT, COPY, "14\n"));
      crafted.add(drop(0x10, COPY));
      assertThat(crafted.now().databases()).isEmpty();
    }
  }

  /// A map with no entries.
  private static CraftedRecord relationMap(int database, int length) {
    byte[] map =
        CraftedRecord.bytes(
            length,
            b -> {
              b.putInt(0x592717);
              var crc = new CRC32C();
              byte[] head = new byte[length - 4 - (length == 512 ? 4 : 0)];
              b.get(0, head);
              crc.update(head);
              b.putInt(head.length, (int) crc.getValue());
            });
    return new CraftedRecord(7, 0)
        .main(12 + length, b -> b.putInt(database).putInt(DEFAULT).putInt(length).put(map));
  }

  @Test
  void tablespacesComeAndGo() throws IOException {
    byte[] path = "/mnt/ssd\0".getBytes(StandardCharsets.UTF_8);
    try (var crafted = new CraftedTimeline(folder, PgVersion.V17)) {
      crafted.add(new CraftedRecord(5, 0).main(4 + path.length, b -> b.putInt(16_400).put(path)));
      crafted.add(new CraftedRecord(5, 0).main(5, b -> b.putInt(16_401)));
      assertThat(crafted.now().tablespaces())
          .containsExactly(new Tablespace(16_400, "/mnt/ssd"), new Tablespace(16_401, ""));
      crafted.add(new CraftedRecord(5, 0x10).main(4, b -> b.putInt(16_400)));
      assertThat(crafted.now().tablespaces()).containsExactly(new Tablespace(16_401, ""));
    }
  }
}
