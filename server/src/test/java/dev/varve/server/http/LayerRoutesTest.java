package dev.varve.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.RemoteLimits;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.directory.DirectoryStore;
import dev.varve.remote.generation.FileGenerations;
import dev.varve.server.follow.Receivers;
import dev.varve.server.imports.Imports;
import dev.varve.server.metrics.ServerMetrics;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.CacheSettings;
import dev.varve.timeline.DataModel;
import dev.varve.timeline.DiskSpace;
import dev.varve.timeline.Ingest;
import dev.varve.timeline.Remote;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Where layers are, over the API, with an object store in a directory.
@Timeout(120)
class LayerRoutesTest {

  private static final TenantId TENANT = new TenantId(1, 2);
  private static final TimelineId ID = new TimelineId(3, 4);
  private static final String TIMELINE = "/v1/tenant/" + TENANT + "/timeline/" + ID;
  private static final long START = 0x1000;
  private static final TimelineSettings SETTINGS = TimelineSettings.ofMemory(16 << 20);

  @TempDir private Path directory;

  private interface Use {
    void use(Tenants tenants, URI server) throws Exception;
  }

  private void serve(boolean stored, Use use) throws Exception {
    InstantSource clock = InstantSource.system();
    var threads = new RealThreads(clock, 1);
    Path data = directory.resolve("data");
    try (var tasks = new TaskManager(threads, Duration.ofSeconds(5));
        var store = DirectoryStore.open(directory.resolve("bucket"), clock);
        var generations = FileGenerations.open(directory.resolve("generations"));
        var storage =
            new RemoteStorage(store, threads, new SplittableRandom(1), RemoteLimits.DEFAULT);
        var tenants =
            Tenants.open(
                data,
                DataModel.of(_ -> (_, _, _, _) -> {}),
                tasks,
                SETTINGS,
                stored ? remote(storage, generations) : null);
        var receivers = Receivers.open(data, tenants, tasks)) {
      var imports = Imports.open(directory.resolve("scratch"), tenants, receivers, tasks);
      var routes =
          new Routes(
              tenants,
              receivers,
              imports,
              tasks,
              new ServerMetrics(tenants, tasks, 10, null),
              clock);
      try (HttpApi api =
          HttpApi.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), routes)) {
        use.use(tenants, URI.create("http://localhost:" + api.address().getPort()));
      }
    }
  }

  private static Remote remote(RemoteStorage storage, FileGenerations generations) {
    return new Remote(storage, generations)
        .withCache(
            new CacheSettings(
                Duration.ZERO, 90, 80, 2, _ -> new DiskSpace.Space(1L << 30, 1L << 29)));
  }

  private static JsonNode get(URI server, String path) throws IOException {
    try (var in = server.resolve(path).toURL().openStream()) {
      return Call.JSON.readTree(in.readAllBytes());
    }
  }

  private static Timeline create(Tenants tenants) {
    Timeline timeline = tenants.createRoot(TENANT, ID, "prod", 17, new Lsn(START), Map.of());
    try (Ingest ingest = timeline.ingest()) {
      MemorySegment page = Arena.ofAuto().allocate(8192);
      ingest.image(0, 0, 1, START, page, 0, 8192);
      ingest.advance(START);
    }
    timeline.markImported(new Lsn(START));
    return timeline;
  }

  private static @Nullable String text(JsonNode json, String field) {
    return json.path(field).isNull() ? null : json.path(field).asString();
  }

  @Test
  void layersAndUploadsAreShown() throws Exception {
    serve(
        true,
        (tenants, server) -> {
          Timeline timeline = create(tenants);
          assertThat(tenants.upload(timeline, Duration.ofSeconds(60))).isTrue();
          JsonNode layers = get(server, TIMELINE + "/layer");
          assertThat(layers).hasSize(1);
          JsonNode layer = layers.get(0);
          assertThat(text(layer, "state")).isEqualTo("resident");
          assertThat(layer.path("uploaded").asBoolean()).isTrue();
          assertThat(text(layer, "kind")).isEqualTo("delta");
          assertThat(layer.path("level").asInt()).isZero();
          assertThat(text(layer, "lsn_start")).isEqualTo("0/1000");
          assertThat(layer.path("bytes").asLong()).isEqualTo(timeline.layerBytes());
          JsonNode json = get(server, TIMELINE);
          assertThat(text(json, "remote_consistent_lsn")).isEqualTo("0/1000");
          assertThat(json.path("waiting_layers").asInt()).isZero();
          assertThat(text(json, "waiting_since")).isNull();
          assertThat(text(json, "index_uploaded_at")).startsWith("20");
          assertThat(text(json, "upload_failure")).isNull();
          assertThat(json.at("/layers_by_state/resident/count").asInt()).isEqualTo(1);
          timeline.rest();
          json = get(server, TIMELINE);
          assertThat(json.path("at_rest").asBoolean()).isTrue();
          assertThat(json.path("layers_by_state").isNull()).isTrue();
          JsonNode detail = get(server, TIMELINE + "/detail");
          assertThat(detail.at("/layers_by_state/resident/count").asInt()).isEqualTo(1);
          assertThat(detail.has("commit_time_error")).isFalse();
          assertThat(get(server, TIMELINE).path("at_rest").asBoolean()).isTrue();
          assertThat(get(server, TIMELINE + "/layer")).isEqualTo(layers);
          assertThat(timeline.layerCount()).isEqualTo(1);
        });
    deleteLayerFiles();
    serve(
        true,
        (tenants, server) -> {
          JsonNode layer = get(server, TIMELINE + "/layer").get(0);
          assertThat(text(layer, "state")).isEqualTo("evicted");
          tenants
              .find("prod")
              .orElseThrow()
              .page(Key.of(0, 0, 1), new Lsn(START), Arena.ofAuto().allocate(8192));
          JsonNode json = get(server, TIMELINE);
          assertThat(json.at("/layers_by_state/evicted/bytes").asLong())
              .isEqualTo(json.path("current_physical_size").asLong());
          JsonNode eviction = get(server, "/v1/eviction");
          assertThat(eviction.path("evicted_layers").asInt()).isZero();
          assertThat(text(eviction, "shortage")).isNull();
          assertThat(metrics(server))
              .anyMatch(line -> line.matches("varve_remote_reads_total [1-9].*"))
              .contains("varve_downloads_total 0.0", "varve_evicted_layers_total 0.0");
        });
  }

  private static List<String> metrics(URI server) throws IOException {
    try (var in = server.resolve("/metrics").toURL().openStream()) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    }
  }

  private void deleteLayerFiles() throws IOException {
    try (Stream<Path> all = Files.walk(directory.resolve("data"))) {
      for (Path file : all.filter(file -> file.toString().contains("-v1")).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void withoutAnObjectStoreNothingIsSaidOfOne() throws Exception {
    serve(
        false,
        (tenants, server) -> {
          create(tenants);
          JsonNode layer = get(server, TIMELINE + "/layer").get(0);
          assertThat(text(layer, "state")).isEqualTo("resident");
          assertThat(text(layer, "uploaded")).isNull();
          assertThat(get(server, TIMELINE).has("remote_consistent_lsn")).isFalse();
        });
  }
}
