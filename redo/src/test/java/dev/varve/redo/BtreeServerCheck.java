package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.model.Key;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.page.Checksum;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.stream.Stream;

/// Has a server check the B-trees that redo made: amcheck's `bt_index_parent_check`, which looks at
/// every page's order, links and downlinks, and at whether each row of the table is in the index.
///
/// The pages take the place of those in a copy of the stopped server's files, under checksums.
final class BtreeServerCheck implements OracleRun.Witness {

  private static final String CHECK =
      """
      select count(bt_index_parent_check(i.indexrelid, true, true)::text)
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
       where a.amname = 'btree' and c.relpersistence <> 't' and i.indisvalid
      """;

  private final OracleRun.Witness other;
  private int written;

  /// @param other sees everything first
  BtreeServerCheck(OracleRun.Witness other) {
    this.other = other;
  }

  /// How many pages of ours the server has seen.
  int written() {
    return written;
  }

  @Override
  public void record(WalRecord record) {
    other.record(record);
  }

  @Override
  public void pages(LocalCluster cluster, Map<Key, MemorySegment> pages) throws Exception {
    other.pages(cluster, pages);
    Path data = cluster.newDirectory("redone");
    copy(cluster.dataDirectory(), data);
    for (Map.Entry<Key, MemorySegment> page : pages.entrySet()) {
      if (isBtree(page.getKey(), page.getValue())) {
        write(data, page.getKey(), page.getValue());
      }
    }
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwx------"));
    try (LocalCluster server = LocalCluster.existing(cluster.binaries(), data).start()) {
      assertThat(Integer.parseInt(server.query(CHECK))).isPositive();
    }
  }

  private static boolean isBtree(Key key, MemorySegment page) {
    return key.kind() == OraclePages.RELATION
        && key.fork() == 0
        && Page.special(page) == Page.SIZE - BtreePage.SPECIAL;
  }

  private void write(Path data, Key key, MemorySegment page) throws IOException {
    String relation = Integer.toString(key.relation());
    Path file = data.resolve(key.database() == 0 ? "global" : "base/" + key.database());
    file = file.resolve(relation);
    if (!Files.exists(file)) {
      return; // dropped
    }
    byte[] bytes = new byte[Page.SIZE];
    MemorySegment copy = MemorySegment.ofArray(bytes).copyFrom(page);
    Checksum.put(copy, key.block());
    try (var to = new RandomAccessFile(file.toFile(), "rw")) {
      assertThat(to.length()).as("%s", key).isGreaterThan(key.block() * (long) Page.SIZE);
      to.seek(key.block() * (long) Page.SIZE);
      to.write(bytes);
    }
    written++;
  }

  /// All but the log that the server no longer needs.
  private static void copy(Path from, Path to) throws IOException {
    ControlFile control =
        ControlFile.parse(
            MemorySegment.ofArray(Files.readAllBytes(from.resolve("global/pg_control"))));
    var segments = new WalSegments(control.walSegmentSize());
    String oldest = segments.nameOf(1, control.checkPointLsn()).toString();
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        String name = file.getFileName().toString();
        boolean old = name.matches("[0-9A-F]{24}") && name.compareTo(oldest) < 0;
        if (Files.isDirectory(file)) {
          Files.createDirectories(to.resolve(from.relativize(file)));
        } else if (!old) {
          Files.copy(file, to.resolve(from.relativize(file)));
        }
      }
    }
  }
}
