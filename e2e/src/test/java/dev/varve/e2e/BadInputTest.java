package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// Wrong wishes get one sentence on standard error and a code, and change nothing.
class BadInputTest {

  @Test
  void whatCanNotBeIsRefusedInOneSentence() throws Exception {
    try (var scratch = Scratch.make();
        var source = LocalCluster.builder(PostgresBinaries.of(17)).start();
        var varve = Varve.start(scratch.path(), 512)) {
      varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
      String before = state(source, varve);

      String stranger = "host=127.0.0.1 port=%d user=stranger".formatted(source.port());
      refused(varve, "stranger", "import", "--from", stranger, "--name", "x");
      refused(varve, "127.0.0.1", "import", "--from", "host=127.0.0.1 port=1", "--name", "x");
      refused(
          varve, "main", "import", "--from", source.connectionString("postgres"), "--name", "main");
      refused(varve, "FF/0", "branch", "main", "x", "--at", "FF/0");
      refused(varve, "0/8", "branch", "main", "x", "--at", "0/8");
      refused(varve, "0/XY", "branch", "main", "x", "--at", "0/XY");
      refused(varve, "yesterday", "branch", "main", "x", "--at", "yesterday");
      refused(varve, "nobody", "show", "nobody");
      refused(varve, "nobody", "branch", "nobody", "x");

      Path full = Files.createDirectory(scratch.of("full"));
      Files.writeString(full.resolve("mine"), "here");
      refused(varve, "not empty", "restore", "main", "--to", full.toString());
      assertThat(full).isDirectoryContaining("glob:**mine");
      truncatedTar(source, varve, scratch);
      assertThat(state(source, varve)).isEqualTo(before);
    }
  }

  private static void truncatedTar(LocalCluster source, Varve varve, Scratch scratch)
      throws Exception {
    Path tar = SourceBackup.take(source, scratch.of("backup")).tar();
    byte[] whole = Files.readAllBytes(tar);
    Files.write(tar, Arrays.copyOf(whole, whole.length / 2));
    Path wal = Files.createDirectory(scratch.of("wal"));
    refused(
        varve,
        "base.tar",
        "import",
        "--tar",
        tar.toString(),
        "--wal",
        wal.toString(),
        "--name",
        "x");
  }

  private static void refused(Varve varve, String named, String... words) {
    Varve.Outcome outcome = varve.run(words);
    String wish = String.join(" ", words);
    assertThat(outcome.code()).as(wish).isIn(1, 2);
    assertThat(outcome.out()).as(wish).isEmpty();
    assertThat(outcome.err().strip().lines()).as(wish).hasSize(1);
    assertThat(outcome.err()).as(wish).contains(named);
  }

  /// The timelines of Varve and the slots of the source.
  private static String state(LocalCluster source, Varve varve) throws Exception {
    var names = new StringBuilder();
    varve.json("list").forEach(timeline -> names.append(timeline.get("name").asString()));
    return names
        + " "
        + source.query("select count(*) || string_agg(slot_name, ' ') from pg_replication_slots");
  }
}
