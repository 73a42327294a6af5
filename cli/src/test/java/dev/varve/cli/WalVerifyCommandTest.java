package dev.varve.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.StopMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class WalVerifyCommandTest {

  @TempDir Path folder;

  @Test
  void judgesAnArchive() throws Exception {
    Path base = folder.resolve("base");
    try (LocalCluster cluster =
        LocalCluster.builder(PostgresBinaries.of(17))
            .setting("wal_consistency_checking", "all")
            .create()) {
      copy(cluster.dataDirectory(), base);
      cluster.start();
      cluster.execute("create table t as select g from generate_series(1, 1000) g");
      cluster.stop(StopMode.FAST);
      String wal = cluster.dataDirectory().resolve("pg_wal").toString();
      String data = cluster.dataDirectory().toString();

      String[] verify = {"wal", "verify", "--base", base.toString(), "--wal", wal, "--final", data};
      CommandRun table = CommandRun.of(verify).worked();
      assertThat(table.err()).isEmpty();
      assertThat(table.out())
          .contains("record type", "Heap/INSERT+INIT", "files at the end", "total")
          .contains("PostgreSQL 17, replayed from 0/")
          .contains("every page is as the WAL says");

      // Of a page that no record touches: pg_proc's.
      Path damaged = base.resolve("base/5/1255");
      byte[] bytes = Files.readAllBytes(damaged);
      int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("boolin");
      bytes[at] ^= 1;
      Files.write(damaged, bytes);
      CommandRun json =
          CommandRun.of(
              Stream.concat(Stream.of(verify), Stream.of("--json")).toArray(String[]::new));
      assertThat(json.code()).isEqualTo(1);
      JsonNode found = ServerClient.JSON.readTree(json.out());
      assertThat(found.path("good").asBoolean()).isFalse();
      assertThat(found.path("total").path("mismatched").asLong()).isPositive();
      assertThat(found.path("mismatches").get(0).path("page").asString())
          .isEqualTo("block " + at / 8192 + " of 1663/5/1255");

      CommandRun.of("wal", "verify", "--base", wal, "--wal", wal).refused("base.tar");
      CommandRun.of("wal", "verify", "--base", base.toString(), "--wal", wal, "--from", "x")
          .refused("x");
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }
}
