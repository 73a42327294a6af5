package dev.varve.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.TimelineSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// How many series there are.
class ServerMetricsTest {

  @TempDir private Path data;

  @Test
  void onlySoManyTimelinesHaveTheirOwnSeries() throws Exception {
    try (var tasks =
            new TaskManager(new RealThreads(InstantSource.system(), 1), Duration.ofSeconds(5));
        var tenants =
            Tenants.open(
                data, _ -> (_, _, _, _) -> {}, tasks, TimelineSettings.ofMemory(16 << 20))) {
      for (int i = 0; i < 5; i++) {
        tenants
            .createRoot(
                new TenantId(1, i), new TimelineId(2, i), "t" + i, 17, new Lsn(0x1000), Map.of())
            .markImported(new Lsn(0x1000));
      }
      String text =
          new String(new ServerMetrics(tenants, tasks, 3, null).text(), StandardCharsets.UTF_8);
      assertThat(text.lines().filter(line -> line.startsWith("varve_timeline_page_reads_total{")))
          .hasSize(3)
          .allMatch(line -> line.contains("timeline=\"000000000000000200000000000000"));
      assertThat(text).contains("varve_timelines{state=\"active\"} 5.0\n");
      assertThat(text).contains("varve_page_reads_total 0.0\n");
      String none =
          new String(new ServerMetrics(tenants, tasks, 0, null).text(), StandardCharsets.UTF_8);
      assertThat(none).doesNotContain("timeline=\"").contains("varve_page_reads_total 0.0\n");
    }
  }
}
