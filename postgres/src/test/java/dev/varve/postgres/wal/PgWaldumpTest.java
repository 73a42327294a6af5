package dev.varve.postgres.wal;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Where a pg_waldump of 15 is installed, as Debian has it: it and we print the same, byte by byte.
class PgWaldumpTest {

  private static final Path PG_WALDUMP = Path.of("/usr/lib/postgresql/15/bin/pg_waldump");

  @TempDir Path directory;

  @BeforeAll
  static void isInstalled() {
    Assumptions.assumeTrue(Files.isExecutable(PG_WALDUMP), "no pg_waldump of 15 here");
  }

  private String pgWaldump(Path first, Path last) throws Exception {
    Path out = directory.resolve("out");
    Process process =
        new ProcessBuilder(
                PG_WALDUMP.toString(), "--stats=record", first.toString(), last.toString())
            .redirectError(directory.resolve("err").toFile())
            .redirectOutput(out.toFile())
            .start();
    process.waitFor();
    return Files.readString(out);
  }

  private Path write(WalSegments segments, long lsn, MemorySegment bytes) throws IOException {
    Path file = directory.resolve(segments.nameOf(1, lsn).toString());
    Files.write(file, bytes.toArray(JAVA_BYTE));
    return file;
  }

  @Test
  void agreesOnARealLog() throws Exception {
    SampleWal wal = SampleWal.of(PgVersion.V15);
    var segments = new WalSegments(SampleWal.SEGMENT_SIZE);
    List<Path> files = new ArrayList<>();
    // The last segment is not finished: pg_waldump would print its error, too.
    int count = (int) segments.number(wal.end() - wal.start());
    for (int i = 0; i < count; i++) {
      long lsn = wal.start() + (long) i * SampleWal.SEGMENT_SIZE;
      files.add(write(segments, lsn, wal.slice(lsn, lsn + SampleWal.SEGMENT_SIZE)));
    }
    for (int first : new int[] {0, 1, 2, 7, count / 2, count - 2, count - 1}) {
      for (int last : new int[] {first, Math.min(first + 3, count - 1), count - 1}) {
        var stats = new WalStats(PgVersion.V15);
        WalDecoder decoder =
            WalDecoder.ofSegment(wal.bytes(), (long) first * SampleWal.SEGMENT_SIZE);
        for (int i = first; i <= last; i++) {
          decoder.feed(
              wal.bytes(), (long) i * SampleWal.SEGMENT_SIZE, SampleWal.SEGMENT_SIZE, stats);
        }
        if (stats.total().count() > 0) {
          assertThat(stats.table()).isEqualTo(pgWaldump(files.get(first), files.get(last)));
          assertThat(directory.resolve("err")).isEmptyFile();
        }
      }
    }
  }

  @Test
  void agreesOnEveryRecordType() throws Exception {
    CraftedWal wal = RecordNamesTest.everyType(PgVersion.V15);
    wal.add(128, 0, 3).add(255, 0xF0, 3);
    long end = wal.position();
    wal.fillSegment();
    var segments = new WalSegments(CraftedWal.SEGMENT_SIZE);
    Path file = write(segments, wal.start(), wal.segment());
    String table = RecordNamesTest.stats(wal, PgVersion.V15).table();
    assertThat(table).contains("custom255/UNKNOWN (f0)").contains("Heap/HEAP_CONFIRM");
    assertThat(pgWaldump(file, file)).isEqualTo(table);
    assertThat(directory.resolve("err"))
        .content()
        .contains("invalid record length at " + Lsn.format(end));
  }
}
