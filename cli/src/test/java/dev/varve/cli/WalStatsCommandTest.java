package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Segments of a real server of 15, whose own pg_waldump Debian has.
class WalStatsCommandTest {

  private static final Path PG_WALDUMP = Path.of("/usr/lib/postgresql/15/bin/pg_waldump");

  @TempDir private static Path folder;
  private static List<String> segments = List.of();

  @BeforeAll
  static void write() throws Exception {
    try (var cluster =
        LocalCluster.builder(PostgresBinaries.of(15))
            .walSegmentMegabytes(1)
            .setting("wal_keep_size", "1GB")
            .setting("autovacuum", "off")
            .start()) {
      cluster.execute(
          "create table t (id int primary key, v text)",
          "insert into t select i, repeat('x', 100) from generate_series(1, 20000) i",
          "update t set v = v || 'y' where id % 3 = 0",
          "delete from t where id % 5 = 0",
          "vacuum t",
          "checkpoint",
          "create index on t (v)",
          "select pg_switch_wal()",
          "select pg_switch_wal()");
      String current = cluster.query("select pg_walfile_name(pg_current_wal_lsn())");
      try (Stream<Path> files = Files.list(cluster.dataDirectory().resolve("pg_wal"))) {
        for (Path file : files.sorted().toList()) {
          String name = file.getFileName().toString();
          if (name.matches("[0-9A-F]{24}") && name.compareTo(current) < 0) {
            Files.copy(file, folder.resolve(name));
          }
        }
      }
    }
    try (Stream<Path> files = Files.list(folder)) {
      segments = files.map(Path::toString).sorted().toList();
    }
    assertThat(segments).hasSizeGreaterThan(5);
  }

  private static CommandRun stats(List<String> files, String... more) {
    var words = new ArrayList<>(List.of("wal", "stats"));
    words.addAll(files);
    words.addAll(List.of(more));
    return CommandRun.of(words.toArray(String[]::new));
  }

  private static String pgWaldump(String first, String last) throws Exception {
    Path out = folder.resolve("out");
    new ProcessBuilder(PG_WALDUMP.toString(), "--stats=record", first, last)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .redirectOutput(out.toFile())
        .start()
        .waitFor();
    String text = Files.readString(out);
    Files.delete(out);
    return text;
  }

  @Test
  void agreesWithPgWaldumpToTheRecord() throws Exception {
    Assumptions.assumeTrue(Files.isExecutable(PG_WALDUMP), "no pg_waldump of 15 here");
    for (int from = 0; from < segments.size(); from += 3) {
      List<String> files = segments.subList(from, segments.size());
      CommandRun run = stats(files).worked();
      assertThat(run.out()).isEqualTo(pgWaldump(files.getFirst(), files.getLast()));
      assertThat(run.err()).isEmpty();
    }
  }

  @Test
  void aCompressedSegmentIsSaid(@TempDir Path other) throws IOException {
    Path file = other.resolve("000000010000000000000001.gz");
    try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
      Files.copy(Path.of(segments.getFirst()), out);
    }
    stats(List.of(file.toString())).refused(file + " is compressed; decompress it first");
  }

  @Test
  void jsonHasTheSameSums() {
    JsonNode json = ServerClient.JSON.readTree(stats(segments, "--json").worked().out());
    long count = 0;
    long bytes = 0;
    for (JsonNode row : json.path("types")) {
      count += row.path("count").asLong();
      bytes += row.path("combined_bytes").asLong();
      assertThat(row.path("combined_bytes").asLong())
          .isEqualTo(row.path("record_bytes").asLong() + row.path("fpi_bytes").asLong());
    }
    assertThat(count).isEqualTo(json.path("total").path("count").asLong()).isPositive();
    assertThat(bytes).isEqualTo(json.path("total").path("combined_bytes").asLong());
    assertThat(json.path("types").toString()).contains("Heap/INSERT", "Btree/", "Transaction/");
    assertThat(json.path("incomplete").isNull()).isTrue();
    assertThat(json.path("start_lsn").asString()).contains("/");
  }

  @Test
  void aDamagedRecordIsNamedAfterWhatWasWhole() throws IOException {
    byte[] bytes = Files.readAllBytes(Path.of(segments.get(1)));
    bytes[bytes.length / 2] ^= 1;
    Path damaged = Files.createDirectories(folder.resolve("damaged")).resolve(name(1));
    Files.write(damaged, bytes);
    CommandRun run = stats(List.of(segments.get(0), damaged.toString()));
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).contains("Heap/INSERT").contains("Total");
    assertThat(run.err()).startsWith("varve: ").containsPattern("[0-9A-F]+/[0-9A-F]+");
    assertThat(run.err().strip().lines()).hasSize(1);
  }

  @Test
  void aFileThatEndsEarlyIsSaid() throws IOException {
    byte[] bytes = Files.readAllBytes(Path.of(segments.get(1)));
    Path cut = Files.createDirectories(folder.resolve("cut")).resolve(name(1));
    Files.write(cut, Arrays.copyOf(bytes, bytes.length / 2 + 100));
    CommandRun run = stats(List.of(cut.toString()));
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err().strip().lines()).hasSize(1);
    assertThat(run.err()).startsWith("varve: ");
  }

  private static String name(int segment) {
    return String.valueOf(Path.of(segments.get(segment)).getFileName());
  }

  @Test
  void aGapIsSaid() {
    CommandRun run = stats(List.of(segments.get(0), segments.get(2)));
    assertThat(run.code()).isEqualTo(1);
    run.refused(segments.get(2) + " does not follow the file before it; the next would begin at");
  }

  @Test
  void filesThatAreNoWalAreSaid() throws IOException {
    Path text = Files.writeString(folder.resolve("text"), "x".repeat(20_000));
    stats(List.of(text.toString())).refused();
    Path empty = Files.write(folder.resolve("empty"), new byte[0]);
    stats(List.of(empty.toString())).refused("no record in these files");
    Path zeroes = Files.write(folder.resolve("zeroes"), new byte[1 << 20]);
    stats(List.of(zeroes.toString())).refused();
    Path tiny = Files.write(folder.resolve("tiny"), "WAL".getBytes(StandardCharsets.US_ASCII));
    stats(List.of(tiny.toString())).refused();
    stats(List.of(folder.resolve("absent").toString()))
        .refused("there is no file " + folder.resolve("absent"));
    stats(List.of(folder.toString())).refused(folder + " can't be read");
    for (Path file : List.of(text, empty, zeroes, tiny)) {
      Files.delete(file);
    }
  }
}
