package dev.varve.server.metrics;

import dev.varve.remote.RemoteStorage;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskReport;
import dev.varve.timeline.EvictionState;
import dev.varve.timeline.PageCache;
import dev.varve.timeline.Resources;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineCounts;
import dev.varve.timeline.TimelineState;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// All that is measured, as text in the format of Prometheus, from numbers that are counted anyway:
/// nothing is done between two scrapes. Any thread may call any method.
///
/// | names                                | of                                                       |
/// |--------------------------------------|----------------------------------------------------------|
/// | `varve_layer_memory_…`, `varve_block_cache_…`, `varve_page_cache_…`, `varve_layer_file…` | memory and files of the process |
/// | `varve_evicted_…`, `varve_download…`, `varve_remote_read…` | layers that go to object storage and come from there |
/// | `varve_tasks`, by `kind` and `state` | background tasks                                         |
/// | `varve_timelines`, by `state`        | timelines                                                |
/// | `varve_timeline_…`, by `tenant` and `timeline` | each timeline, but of so many at most: the oldest |
/// | `varve_remote_…`                     | the object store, if there is one: {@link RemoteMetrics} |
/// | `varve_…_total`                      | the sums of all timelines' counters since the start      |
public final class ServerMetrics {

  /// The content type of {@link #text()}.
  public static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

  private static final double NANOS = 1e9;

  /// What one timeline has at the moment of a scrape.
  private record Figures(String tenant, String id, Timeline timeline, TimelineCounts counts) {

    static Figures of(Timeline timeline) {
      return new Figures(
          timeline.tenant().toString(),
          timeline.id().toString(),
          timeline,
          timeline.metrics().counts());
    }
  }

  /// What all metrics of one scrape are taken from.
  private record Scrape(
      List<Timeline> all, List<Figures> timelines, TimelineCounts total, Resources resources) {

    /// @param most that many timelines have figures
    static Scrape of(Tenants tenants, int most) {
      List<Timeline> all = List.copyOf(tenants.timelines());
      List<Figures> shown =
          all.stream()
              .sorted(Comparator.comparing(Timeline::created).thenComparing(Timeline::name))
              .limit(most)
              .map(Figures::of)
              .toList();
      return new Scrape(all, shown, tenants.counts(), tenants.resources());
    }
  }

  private final Tenants tenants;
  private final TaskManager tasks;
  private final int mostTimelines;
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private Scrape now;

  /// @param mostTimelines that many timelines have series of their own
  /// @param storage null: there is no object store
  public ServerMetrics(
      Tenants tenants, TaskManager tasks, int mostTimelines, @Nullable RemoteStorage storage) {
    this.tenants = tenants;
    this.tasks = tasks;
    this.mostTimelines = mostTimelines;
    now = Scrape.of(tenants, 0);
    process();
    states();
    timelines();
    counters();
    if (storage != null) {
      new RemoteMetrics(storage).register(registry);
    }
  }

  /// All metrics as of now.
  public synchronized byte[] text() throws IOException {
    now = Scrape.of(tenants, mostTimelines);
    var text = new ByteArrayOutputStream();
    PrometheusTextFormatWriter.create().write(text, registry.scrape());
    return text.toByteArray();
  }

  private void process() {
    ofProcess("layer_memory_bytes", "Open and frozen layers and imports", Resources::layerMemory);
    ofProcess("layer_memory_limit_bytes", "What they may take", Resources::layerMemoryLimit);
    ofProcess("layer_memory_peak_bytes", "The most that they took", Resources::layerMemoryPeak);
    ofProcess("block_cache_bytes", "Blocks of layer files in memory", Resources::blockCache);
    ofProcess("block_cache_limit_bytes", "What they may take", Resources::blockCacheLimit);
    ofProcess("open_layer_files", "Layer files that are open", Resources::openFiles);
    counter("block_cache_hits", "Blocks that were there", () -> now.resources.blockCacheHits());
    counter("block_cache_misses", "Blocks that were not", () -> now.resources.blockCacheMisses());
    PageCache pages = tenants.pageCache();
    gauge("page_cache_bytes", "Pages in memory that took work to make", pages::bytes);
    gauge("page_cache_limit_bytes", "What they may take", pages::limit);
    counter("page_cache_hits", "Pages that were there", pages::hits);
    counter(
        "page_cache_base_hits", "Pages of an earlier LSN that redo began with", pages::baseHits);
    counter("page_cache_misses", "Pages that were not there", pages::misses);
    counter("layer_file_reads", "Reads of layer files", () -> now.resources.fileReads());
    counter("layer_file_read_bytes", "Bytes that were read", () -> now.resources.fileBytesRead());
    remote();
    gauge("damaged_files", "Layer files that were found damaged", this::damagedFiles);
  }

  private void remote() {
    counter("evicted_layers", "Layer files that were evicted", () -> evicted().layers());
    counter("evicted_bytes", "Bytes that this freed", () -> evicted().bytes());
    counter("downloads", "Layers that were fetched whole", () -> now.resources.downloads());
    counter("download_bytes", "Bytes of these", () -> now.resources.bytesDownloaded());
    counter("download_failures", "How often that failed", () -> now.resources.downloadFailures());
    counter("remote_reads", "Ranges of layers that were read", () -> now.resources.rangeReads());
    counter("remote_read_bytes", "Bytes of these", () -> now.resources.rangeBytesRead());
  }

  private EvictionState evicted() {
    return tenants.eviction().orElse(EvictionState.NONE);
  }

  private void ofProcess(String name, String help, ToDoubleFunction<Resources> value) {
    gauge(name, help, () -> value.applyAsDouble(now.resources));
  }

  private double damagedFiles() {
    return now.all.stream().mapToInt(timeline -> timeline.damagedFiles().size()).sum();
  }

  private void states() {
    GaugeWithCallback.builder()
        .name("varve_tasks")
        .help("Background tasks")
        .labelNames("kind", "state")
        .callback(callback ->
            counted(tasks.report(), ServerMetrics::kindAndState)
                .forEach((labels, count) -> callback.call(count, labels.get(0), labels.get(1))))
        .register(registry);
    GaugeWithCallback.builder()
        .name("varve_timelines")
        .help("Timelines")
        .labelNames("state")
        .callback(callback ->
            counted(now.all, timeline -> timeline.state().word())
                .forEach((state, count) -> callback.call(count, state)))
        .register(registry);
  }

  private static List<String> kindAndState(TaskReport task) {
    return List.of(task.kind().toString(), task.state().toString());
  }

  private static <T, K> Map<K, Long> counted(List<T> all, Function<T, K> by) {
    return all.stream().collect(Collectors.groupingBy(by, Collectors.counting()));
  }

  private void timelines() {
    ofTimeline("last_record_lsn", "Up to where WAL was taken in", t -> t.lastRecordLsn().value());
    ofTimeline(
        "disk_consistent_lsn", "Up to where all is durable", t -> t.diskConsistentLsn().value());
    ofTimeline("layer_bytes", "Bytes of its layer files", Timeline::layerBytes);
    ofTimeline("memory_bytes", "Bytes that are in memory only", Timeline::memoryBytes);
    GaugeWithCallback.builder()
        .name("varve_timeline_readable_from_lsn")
        .help("The earliest LSN that can be read; none while nothing can")
        .labelNames("tenant", "timeline")
        .callback(callback ->
            now.timelines.stream()
                .filter(one -> isReadable(one.timeline.state()))
                .forEach(one ->
                    callback.call(
                        (double) one.timeline.readableFrom().value(), one.tenant, one.id)))
        .register(registry);
    GaugeWithCallback.builder()
        .name("varve_timeline_layers")
        .help("Its layer files; those of level 0 are not merged yet")
        .labelNames("tenant", "timeline", "level")
        .callback(callback -> now.timelines.forEach(one -> layers(callback, one)))
        .register(registry);
  }

  private static boolean isReadable(TimelineState state) {
    return switch (state) {
      case TimelineState.Active _, TimelineState.Failing _, TimelineState.Stopped _ -> true;
      case TimelineState.Importing _,
          TimelineState.Broken _,
          TimelineState.Lost _,
          TimelineState.Deleting _ ->
          false;
    };
  }

  private static void layers(GaugeWithCallback.Callback callback, Figures one) {
    int[] counts = one.timeline.layersByLevel();
    for (int level = 0; level < counts.length; level++) {
      if (counts[level] > 0) {
        callback.call(counts[level], one.tenant, one.id, Integer.toString(level));
      }
    }
  }

  private void counters() {
    both("ingested_bytes", "Page versions taken in", TimelineCounts::bytesIngested);
    both("flushed_bytes", "Layer files written by flushes", TimelineCounts::bytesFlushed);
    both("compacted_bytes", "Layer files written by compaction", TimelineCounts::bytesCompacted);
    both("compaction_read_bytes", "Page versions read by compaction", TimelineCounts::bytesRead);
    both("page_reads", "Pages that were asked for", TimelineCounts::pagesRead);
    both("layers_visited", "Layers that reads asked", TimelineCounts::layersVisited);
    both("changes_applied", "Changes that redo applied", TimelineCounts::changesApplied);
    both("read_failures", "Reads that failed for what is stored", TimelineCounts::readFailures);
    both("ingest_slowed", "Times that a writer was slowed", TimelineCounts::slowedTimes);
    both("ingest_slowed_seconds", "How long", counts -> counts.slowedNanos() / NANOS);
    both("ingest_stopped", "Times that a writer had to wait", TimelineCounts::stoppedTimes);
    both("ingest_stopped_seconds", "How long", counts -> counts.stoppedNanos() / NANOS);
  }

  private void gauge(String name, String help, DoubleSupplier value) {
    GaugeWithCallback.builder()
        .name("varve_" + name)
        .help(help)
        .callback(callback -> callback.call(value.getAsDouble()))
        .register(registry);
  }

  private void counter(String name, String help, DoubleSupplier value) {
    CounterWithCallback.builder()
        .name("varve_" + name)
        .help(help)
        .callback(callback -> callback.call(value.getAsDouble()))
        .register(registry);
  }

  private void ofTimeline(String name, String help, ToDoubleFunction<Timeline> value) {
    GaugeWithCallback.builder()
        .name("varve_timeline_" + name)
        .help(help)
        .labelNames("tenant", "timeline")
        .callback(callback ->
            now.timelines.forEach(
                one -> callback.call(value.applyAsDouble(one.timeline), one.tenant, one.id)))
        .register(registry);
  }

  /// A counter of all timelines together, and of each.
  private void both(String name, String help, ToDoubleFunction<TimelineCounts> value) {
    counter(name, help + ", of all timelines", () -> value.applyAsDouble(now.total));
    CounterWithCallback.builder()
        .name("varve_timeline_" + name)
        .help(help)
        .labelNames("tenant", "timeline")
        .callback(callback ->
            now.timelines.forEach(
                one -> callback.call(value.applyAsDouble(one.counts), one.tenant, one.id)))
        .register(registry);
  }
}
