package dev.varve.postgres.page;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import java.lang.foreign.MemorySegment;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// What we say of a page against what the server's own `pageinspect` says of it.
class PageViewTest {

  @ParameterizedTest
  @EnumSource
  void agreesWithPageinspect(PgVersion version) throws Exception {
    try (LocalCluster cluster = ServerPages.start(version);
        Connection connection = cluster.connect();
        Statement statement = connection.createStatement()) {
      // So that the checksums are on the pages that the functions see.
      statement.execute("checkpoint");
      for (int block : new int[] {0, 2, 5, 20, 40}) {
        compareHeap(statement, "t", block);
      }
      compareHeap(statement, "pg_class", 0);
      compareBtree(statement, "t_n", 1);
      compareBtree(statement, "t_n", 3);
      compareOthers(statement);
    }
  }

  private static PageView view(Statement statement, String relation, int block)
      throws SQLException {
    try (ResultSet row =
        statement.executeQuery("select get_raw_page('%s', %d)".formatted(relation, block))) {
      row.next();
      return PageView.of(MemorySegment.ofArray(row.getBytes(1)), 0, block);
    }
  }

  private static void compareHeader(Statement statement, String relation, int block, PageView view)
      throws SQLException {
    try (ResultSet row =
        statement.executeQuery(
            "select h.*, page_checksum(p, %2$d) as right_sum from get_raw_page('%1$s', %2$d) p, page_header(p) h"
                .formatted(relation, block))) {
      row.next();
      PageView.Header header = view.header();
      assertThat(view.damage()).isNull();
      assertThat(header.lsn()).isEqualTo(Lsn.parse(row.getString("lsn")));
      assertThat((short) header.checksum()).isEqualTo(row.getShort("checksum"));
      assertThat(header.lower()).isEqualTo(row.getInt("lower"));
      assertThat(header.upper()).isEqualTo(row.getInt("upper"));
      assertThat(header.special()).isEqualTo(row.getInt("special"));
      assertThat(header.pageSize()).isEqualTo(row.getInt("pagesize"));
      assertThat(header.layoutVersion()).isEqualTo(row.getInt("version"));
      assertThat(header.pruneXid()).isEqualTo(row.getLong("prune_xid"));
      assertThat(view.checksum()).isEqualTo(row.getShort("right_sum") == row.getShort("checksum"));
    }
  }

  private static void compareHeap(Statement statement, String relation, int block)
      throws SQLException {
    PageView view = view(statement, relation, block);
    compareHeader(statement, relation, block, view);
    assertThat(view.kind()).isEqualTo(PageKind.HEAP);
    int i = 0;
    try (ResultSet row =
        statement.executeQuery(
            "select * from heap_page_items(get_raw_page('%s', %d))".formatted(relation, block))) {
      while (row.next()) {
        ItemView item = view.items().get(i++);
        assertThat(item.number()).isEqualTo(row.getInt("lp"));
        assertThat(item.offset()).isEqualTo(row.getInt("lp_off"));
        assertThat(item.length()).isEqualTo(row.getInt("lp_len"));
        assertThat(item.state())
            .isEqualTo(
                new String[] {"unused", "normal", "redirect", "dead"}[row.getInt("lp_flags")]);
        if (row.getString("t_xmin") == null) {
          assertThat(item.tuple()).isNull();
        } else {
          compareTuple((ItemView.Heap) requireNonNull(item.tuple()), row);
        }
      }
    }
    assertThat(view.items()).hasSize(i);
    assertThat(i).isPositive();
  }

  private static void compareTuple(ItemView.Heap tuple, ResultSet row) throws SQLException {
    assertThat(tuple.xmin()).isEqualTo(row.getLong("t_xmin"));
    assertThat(tuple.xmax()).isEqualTo(row.getLong("t_xmax"));
    assertThat(tuple.command()).isEqualTo(row.getLong("t_field3"));
    assertThat(tuple.next()).isEqualTo(row.getString("t_ctid"));
    assertThat(tuple.infomask()).isEqualTo(row.getInt("t_infomask"));
    assertThat(tuple.infomask2()).isEqualTo(row.getInt("t_infomask2"));
    assertThat(tuple.columnsAt()).isEqualTo(row.getInt("t_hoff"));
    assertThat(tuple.flags().contains("has nulls")).isEqualTo(row.getString("t_bits") != null);
  }

  private static void compareBtree(Statement statement, String index, int block)
      throws SQLException {
    PageView view = view(statement, index, block);
    compareHeader(statement, index, block, view);
    var special = (SpecialView.Btree) view.special();
    try (ResultSet row =
        statement.executeQuery("select * from bt_page_stats('%s', %d)".formatted(index, block))) {
      row.next();
      assertThat(special.flags().contains("leaf")).isEqualTo(row.getString("type").equals("l"));
      assertThat(special.previous()).isEqualTo(row.getLong("btpo_prev"));
      assertThat(special.next()).isEqualTo(row.getLong("btpo_next"));
    }
    int i = 0;
    try (ResultSet row =
        statement.executeQuery("select * from bt_page_items('%s', %d)".formatted(index, block))) {
      while (row.next()) {
        var tuple = (ItemView.Index) requireNonNull(view.items().get(i++).tuple());
        assertThat(tuple.target()).isEqualTo(row.getString("ctid"));
        assertThat(tuple.length()).isEqualTo(row.getInt("itemlen"));
        assertThat(tuple.flags().contains("has nulls")).isEqualTo(row.getBoolean("nulls"));
      }
    }
    assertThat(view.items()).hasSize(i);
    assertThat(i).isPositive();
  }

  private static void compareOthers(Statement statement) throws SQLException {
    assertThat(view(statement, "numbers", 0).special())
        .isEqualTo(new SpecialView.Sequence(41, 32, true));
    assertThat(view(statement, "t_brin", 0).special())
        .isEqualTo(new SpecialView.Brin("meta", false));
    assertThat(view(statement, "t_brin", 1).special())
        .isEqualTo(new SpecialView.Brin("range map", false));
    assertThat(((SpecialView.Gin) view(statement, "t_gin", 0).special()).flags())
        .containsExactly("meta");
    assertThat(((SpecialView.Hash) view(statement, "t_hash", 0).special()).flags())
        .containsExactly("meta");
    var hash = (SpecialView.Hash) view(statement, "t_hash", 1).special();
    try (ResultSet row =
        statement.executeQuery("select * from hash_page_stats(get_raw_page('t_hash', 1))")) {
      row.next();
      assertThat(hash.bucket()).isEqualTo(row.getLong("hasho_bucket"));
      assertThat(hash.next()).isEqualTo(row.getLong("hasho_nextblkno"));
      assertThat(hash.flags()).contains("bucket");
    }
    var gist = (SpecialView.Gist) view(statement, "t_gist", 1).special();
    try (ResultSet row =
        statement.executeQuery("select * from gist_page_opaque_info(get_raw_page('t_gist', 1))")) {
      row.next();
      assertThat(gist.splitLsn()).isEqualTo(Lsn.parse(row.getString("nsn")));
      assertThat(gist.next()).isEqualTo(row.getLong("rightlink"));
      assertThat(gist.flags()).containsExactly("leaf");
    }
  }

  /// Whatever the bytes are: a value, and never an exception.
  @Test
  void looksAtAnyBytes() {
    var random = new SplittableRandom(42);
    byte[] bytes = new byte[Page.SIZE];
    MemorySegment page = MemorySegment.ofArray(bytes);
    int[] specials = {0, 4, 8, 16, 24};
    int undamaged = 0;
    for (int i = 0; i < 20_000; i++) {
      random.nextBytes(bytes);
      int special = Page.SIZE - specials[random.nextInt(specials.length)];
      Page.setSpecial(page, special);
      Page.setUpper(page, random.nextInt(special + 2));
      Page.setLower(page, random.nextInt(200));
      Page.setFlags(page, random.nextInt(9));
      Page.setSizeAndVersion(page, Page.SIZE_AND_VERSION);
      if (random.nextBoolean() && special < Page.SIZE) {
        bytes[Page.SIZE - 1] = (byte) (random.nextBoolean() ? 0xFF : 0xF0);
        bytes[Page.SIZE - 2] = (byte) (0x80 + random.nextInt(20));
      }
      PageView view = PageView.of(page, random.nextInt(4), i);
      assertThat(view.toString()).isNotEmpty();
      if (Page.damage(page) == null) {
        undamaged++;
        assertThat(view.items().size()).isLessThanOrEqualTo(Page.pointers(page));
      }
    }
    assertThat(undamaged).isGreaterThan(1000);
  }

  @Test
  void showsANewPage() {
    PageView view = PageView.of(MemorySegment.ofArray(new byte[Page.SIZE]), 0, 7);
    assertThat(view.kind()).isEqualTo(PageKind.NEW);
    assertThat(view.damage()).isNull();
    assertThat(view.checksum()).isTrue();
    assertThat(view.items()).isEmpty();
  }

  @Test
  void countsTheBitsOfAVisibilityMap() {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    Page.initialize(page, 0);
    page.set(PgLayout.BYTE, Page.HEADER, (byte) 0b1101_0111);
    PageView view = PageView.of(page, 2, 0);
    assertThat(view.kind()).isEqualTo(PageKind.VISIBILITY_MAP);
    assertThat(view.special()).isEqualTo(new SpecialView.VisibilityMap(4, 2));
  }
}
