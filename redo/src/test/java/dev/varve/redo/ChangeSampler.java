package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/// Collects one {@link ChangeSample} of every record type and block id while an oracle run replays.
/// Its `main` makes the files that the tests read.
final class ChangeSampler {

  private final Map<String, ChangeSample> kept = new LinkedHashMap<>();
  private final Map<Key, ChangeSample> pending = new HashMap<>();

  /// A change is about to be applied to the page.
  void before(String type, Key key, long lsn, MemorySegment change, MemorySegment page) {
    if (change.get(PgLayout.BYTE, 0) == Change.RECORD) {
      String name = type + " block " + change.get(PgLayout.BYTE, 3) + " fork " + key.fork();
      if (!kept.containsKey(name)) {
        pending.put(
            key, new ChangeSample(name, key, lsn, copy(change), copy(page), MemorySegment.NULL));
      }
    }
  }

  /// The page after it was found equal to the server's.
  void equal(Key key, MemorySegment page) {
    ChangeSample sample = pending.remove(key);
    if (sample != null) {
      kept.put(
          sample.type(),
          new ChangeSample(
              sample.type(), key, sample.lsn(), sample.change(), sample.before(), copy(page)));
    }
  }

  private static MemorySegment copy(MemorySegment bytes) {
    return MemorySegment.ofArray(bytes.toArray(PgLayout.BYTE));
  }

  /// The record is done.
  void forget() {
    pending.clear();
  }

  Collection<ChangeSample> samples() {
    return kept.values();
  }

  /// Arguments: the folder, then the files to make: a version of PostgreSQL such as `17`, or
  /// `btree-17`, `gin-17`, `gist-17`, `spgist-17`, or `hash-17` for hash, BRIN and Generic.
  static void main(String[] arguments) throws Exception {
    Path folder = Files.createDirectories(Path.of(arguments[0]));
    for (int i = 1; i < arguments.length; i++) {
      write(folder, arguments[i]);
    }
  }

  private static void write(Path folder, String name) throws Exception {
    String version = name.replaceAll(".*-", "");
    int major = Integer.parseInt(version.replaceAll("\\..*", ""));
    boolean hash = name.startsWith("hash-");
    OracleRun.Workload workload =
        switch (name.replace(version, "")) {
          case "" -> new HeapWorkload(major, 1, 1);
          case "btree-" -> BtreeWorkload.of(1);
          case "gin-" -> GinWorkload.of(1);
          case "gist-" -> GistWorkload.of(1);
          case "hash-" -> HashBrinGenericOracleTest.workload(1);
          case "spgist-" -> SpgistWorkload.of(1);
          default -> throw new IllegalArgumentException(name);
        };
    OracleReport report =
        OracleRun.of(
            version,
            cluster ->
                cluster
                    .setting("wal_compression", "on")
                    .setting("wal_consistency_checking", hash ? "hash,brin,generic" : "all"),
            workload);
    if (!report.different.isEmpty()) {
      throw new IOException(report.toString());
    }
    try (var file = Files.newOutputStream(folder.resolve(name + ".gz"))) {
      ChangeSample.write(report.samples, file);
    }
  }
}
