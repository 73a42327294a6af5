package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Records that are larger than the memory, and a prepared transaction whose file has a mebibyte.
@Tag("nightly")
class HugeRecordsTest {

  private static final int SUBTRANSACTIONS = 270_000;
  private static final int MEMORY = 512;

  @Test
  void areTakenInWithLittleMemory() throws Exception {
    try (var scratch = Scratch.make();
        var source =
            LocalCluster.builder(PostgresBinaries.of(17))
                .setting("max_prepared_transactions", "2")
                .start();
        var varve = Varve.start(scratch.path(), MEMORY)) {
      source.execute(
          "create table t (id int)",
          "begin;"
              + " do $$ begin for i in 1..%d loop begin insert into t values (i);"
                  .formatted(SUBTRANSACTIONS)
              + " exception when others then null; end; end loop; end $$;"
              + " prepare transaction 'large'",
          "checkpoint");
      varve.command("import", "--from", source.connectionString("postgres"), "--name", "main");
      source.execute("select pg_logical_emit_message(false, 'x', repeat('0123456789', 20000000))");
      Path target = scratch.of("restored");
      varve.command("restore", "main", "--to", target.toString());
      try (var restored =
          LocalCluster.existing(source.binaries(), target)
              .setting("max_prepared_transactions", "2")
              .start()) {
        restored.execute("commit prepared 'large'");
        assertThat(restored.query("select count(*) from t")).isEqualTo("" + SUBTRANSACTIONS);
      }
      source.execute("commit prepared 'large'");
      StoppedServers.compare(source, varve, scratch.of("varve"), "main");
    }
  }
}
