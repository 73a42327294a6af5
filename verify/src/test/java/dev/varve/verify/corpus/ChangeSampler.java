package dev.varve.verify.corpus;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.wal.FullPageImage;
import dev.varve.postgres.wal.RecordHandler;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.ChangeWriter;
import dev.varve.redo.Redo;
import dev.varve.verify.Verdict;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/// Takes one change of every path and block id from a log whose records have an image of each page
/// as it is afterwards: with the page before, which is the image that the log had last, and the
/// page that redo makes of it, if that is what the record's image says.
///
/// Its `main` makes the files `redo/src/test/resources/changes/*.gz`, whose format is told by
/// `ChangeSample`, which reads them there.
final class ChangeSampler implements RecordHandler {

  private static final int CHANGE_BYTES = 1 << 20;

  /// @param type the path, then the block's id and fork
  record Sample(
      String type,
      Key key,
      long lsn,
      MemorySegment change,
      MemorySegment before,
      MemorySegment after) {}

  private final Redo redo;
  private final Map<String, Sample> samples = new LinkedHashMap<>();
  private final Map<Key, MemorySegment> pages = new HashMap<>();
  private final MemorySegment change = MemorySegment.ofArray(new byte[CHANGE_BYTES]);

  ChangeSampler(PgVersion version) {
    redo = new Redo(version);
  }

  /// By type, in the order of the log.
  Map<String, Sample> samples() {
    return samples;
  }

  @Override
  public void record(WalRecord record) {
    String type =
        RecordType.fullName(record.version(), record.rmgr(), record.info())
            + RecordPaths.kind(record);
    for (int i = 0; i < record.blockCount(); i++) {
      Key key = DirectoryKeys.block(record, i);
      String name = type + " block " + record.blockId(i) + " fork " + record.fork(i);
      boolean isChecked = record.hasImage(i) && !record.imageApplies(i);
      if (isChecked && !samples.containsKey(name)) {
        sample(name, record, i, key);
      }
    }
    for (int i = 0; i < record.blockCount(); i++) {
      if (record.hasImage(i)) {
        pages.put(DirectoryKeys.block(record, i), image(record, i));
      } else {
        pages.remove(DirectoryKeys.block(record, i));
      }
    }
  }

  private static MemorySegment image(WalRecord record, int i) {
    MemorySegment image = MemorySegment.ofArray(new byte[Page.SIZE]);
    FullPageImage.restore(record, i, image);
    Page.setLsn(image, record.endLsn());
    return image;
  }

  private void sample(String name, WalRecord record, int i, Key key) {
    MemorySegment before = pages.get(key);
    if (before == null && ChangeWriter.initializes(record, i)) {
      before = MemorySegment.ofArray(new byte[Page.SIZE]);
    }
    if (before != null) {
      int length = ChangeWriter.write(record, i, change, 0);
      MemorySegment bytes = copy(change.asSlice(0, length));
      MemorySegment after = copy(before);
      redo.apply(key, record.endLsn(), after, bytes);
      if (masked(record, i, after).mismatch(masked(record, i, image(record, i))) < 0) {
        samples.put(name, new Sample(name, key, record.endLsn(), bytes, before, after));
      }
    }
  }

  private static MemorySegment masked(WalRecord record, int i, MemorySegment page) {
    MemorySegment masked = copy(page);
    PageMask.byManager(record.rmgr(), masked, record.block(i));
    return masked;
  }

  private static MemorySegment copy(MemorySegment bytes) {
    return MemorySegment.ofArray(bytes.toArray(PgLayout.BYTE));
  }

  /// Arguments: the folder, then the files to make: a version of PostgreSQL such as `17`, or
  /// `btree-17`, `gin-17`, `gist-17`, `spgist-17`, or `hash-17` for hash, BRIN and Generic.
  static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    for (String name : List.of(arguments).subList(1, arguments.length)) {
      try (var file = Files.newOutputStream(folder.resolve(name + ".gz"))) {
        write(sampler(name).samples(), file);
      }
    }
  }

  private static ChangeSampler sampler(String name) throws Exception {
    String version = name.replaceAll(".*-", "");
    try (var corpus = Corpus.start(version, cluster -> cluster.setting("wal_compression", "on"))) {
      switch (name.replace(version, "")) {
        case "" -> corpus.run("heap", "all", new HeapWorkload(corpus.version().major(), 1, 1));
        case "btree-" -> corpus.run("btree", "all", BtreeWorkload.of(1));
        case "gin-" -> corpus.run("gin", "all", GinWorkload.of(1));
        case "gist-" -> corpus.run("gist", "all", GistWorkload.of(1));
        case "spgist-" -> corpus.run("spgist", "all", SpgistWorkload.of(1));
        case "hash-" -> {
          corpus.run("hash", "hash", HashWorkload.of(1));
          corpus.run("generic", "generic", GenericWorkload.of(1));
          corpus.run("brin", "brin", BrinWorkload.of(1));
        }
        default -> throw new IllegalArgumentException(name);
      }
      Verdict verdict = corpus.verify();
      if (!verdict.isGood()) {
        throw new IOException(verdict.toString());
      }
      var sampler = new ChangeSampler(corpus.version());
      corpus.decode(sampler);
      return sampler;
    }
  }

  private static void write(Map<String, Sample> samples, OutputStream file) throws IOException {
    try (var out = new DataOutputStream(new GZIPOutputStream(file))) {
      for (Sample sample : samples.values()) {
        out.writeUTF(sample.type);
        out.writeLong(sample.key.upper());
        out.writeLong(sample.key.middle());
        out.writeLong(sample.key.lower());
        out.writeLong(sample.lsn);
        out.writeInt((int) sample.change.byteSize());
        out.write(sample.change.toArray(PgLayout.BYTE));
        out.write(sample.before.toArray(PgLayout.BYTE));
        out.write(sample.after.toArray(PgLayout.BYTE));
      }
    }
  }
}
