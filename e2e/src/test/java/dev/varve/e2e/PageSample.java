package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import tools.jackson.databind.JsonNode;

/// Pages of a database as a server has given them as of an LSN: of each user's table and index, and
/// of some catalogs, the size and some pages, the last one among them.
///
/// @param blocks of relations, by the key of their first page
/// @param pages checksums of pages
record PageSample(Lsn lsn, Map<Key, Integer> blocks, Map<Key, Long> pages) {

  private static final int TABLESPACE = 1663;
  private static final int RELATIONS = 60;
  private static final int OF_EACH = 3;

  /// Asks a server for pages that the source has relations for now; some may not be there yet, or
  /// no more.
  static PageSample take(LocalCluster source, Varve varve, String name, SplittableRandom random)
      throws IOException, SQLException {
    JsonNode shown = varve.json("show", name);
    Lsn lsn = Lsn.parse(shown.path("last_record_lsn").asString());
    var sample = new PageSample(lsn, new LinkedHashMap<>(), new LinkedHashMap<>());
    try (PageClient client = client(varve, shown)) {
      for (Key first : relations(source, random.nextInt())) {
        int count = blocks(client, first, lsn);
        if (count >= 0) {
          sample.blocks.put(first, count);
          for (int i = 0; i < Math.min(OF_EACH, count); i++) {
            Key key = block(first, i == 0 ? count - 1 : random.nextInt(count));
            sample.pages.put(key, crc(client.page(key, lsn.value())));
          }
        }
      }
    }
    assertThat(sample.pages).hasSizeGreaterThan(50);
    return sample;
  }

  /// Asks another server, or the same later, which must give the same.
  void compare(Varve varve, String name) throws IOException {
    try (PageClient client = client(varve, varve.json("show", name))) {
      for (Map.Entry<Key, Integer> relation : blocks.entrySet()) {
        assertThat(client.blocks(relation.getKey(), lsn.value()))
            .as("blocks of %s at %s", relation.getKey(), lsn)
            .isEqualTo(relation.getValue());
      }
      for (Map.Entry<Key, Long> page : pages.entrySet()) {
        assertThat(crc(client.page(page.getKey(), lsn.value())))
            .as("%s at %s", page.getKey(), lsn)
            .isEqualTo(page.getValue());
      }
    }
  }

  private static PageClient client(Varve varve, JsonNode shown) throws IOException {
    return new PageClient(varve.pagePort())
        .enter(shown.path("tenant_id").asString(), shown.path("timeline_id").asString());
  }

  private static List<Key> relations(LocalCluster source, int seed) throws SQLException {
    try (Connection connection = source.connect()) {
      int database =
          Integer.parseUnsignedInt(
              Content.column(
                      connection, "select oid from pg_database where datname = current_database()")
                  .getFirst());
      String files =
          "select pg_relation_filenode(oid) from pg_class"
              + " where relkind in ('r', 'i', 't', 'm') and not relisshared"
              + " order by oid < 16384, md5(oid || ' %d') limit %d".formatted(seed, RELATIONS);
      var keys = new ArrayList<Key>();
      for (String file : Content.column(connection, files)) {
        keys.add(new Key(0, TABLESPACE, database, Integer.parseUnsignedInt(file), 0, 0));
      }
      return keys;
    }
  }

  /// @return -1 when there is no such relation
  private static int blocks(PageClient client, Key first, Lsn lsn) throws IOException {
    try {
      return client.blocks(first, lsn.value());
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("there is no relation");
      return -1;
    }
  }

  private static Key block(Key first, int block) {
    return new Key(
        first.kind(), first.tablespace(), first.database(), first.relation(), first.fork(), block);
  }

  private static long crc(byte[] page) {
    var crc = new CRC32C();
    crc.update(page);
    return crc.getValue();
  }
}
