package dev.varve.server.metrics;

import dev.varve.remote.RemoteCounts;
import dev.varve.remote.RemoteStorage;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/// How the object store is used, and how it does:
///
/// | name                                     | labels              | of                              |
/// |------------------------------------------|---------------------|---------------------------------|
/// | `varve_remote_attempts_total`            | `operation`         | requests that ended             |
/// | `varve_remote_bytes_total`               | `operation`         | bytes that were moved           |
/// | `varve_remote_queued_seconds_total`      | `operation`         | waits for being let in          |
/// | `varve_remote_working_seconds_total`     | `operation`         | time of requests                |
/// | `varve_remote_failures_total`            | `operation`, `kind` | requests that failed            |
/// | `varve_remote_waiting`                   | `urgency`           | requests that wait now          |
/// | `varve_remote_outage_failures`           |                     | failures in a row; 0: all well  |
final class RemoteMetrics {

  private static final double NANOS = 1e9;

  private final RemoteStorage storage;

  RemoteMetrics(RemoteStorage storage) {
    this.storage = storage;
  }

  void register(PrometheusRegistry registry) {
    ofOperation(registry, "attempts", "Requests that ended", RemoteCounts.OfOperation::attempts);
    ofOperation(registry, "bytes", "Bytes that were moved", RemoteCounts.OfOperation::bytes);
    ofOperation(
        registry, "queued_seconds", "Waits to be let in", of -> of.queued().toNanos() / NANOS);
    ofOperation(
        registry, "working_seconds", "Time of requests", of -> of.working().toNanos() / NANOS);
    CounterWithCallback.builder()
        .name("varve_remote_failures")
        .help("Requests that failed")
        .labelNames("operation", "kind")
        .callback(callback ->
            storage
                .counts()
                .operations()
                .forEach((operation, of) ->
                    of.failures()
                        .forEach(
                            (kind, count) -> callback.call(count, word(operation), word(kind)))))
        .register(registry);
    GaugeWithCallback.builder()
        .name("varve_remote_waiting")
        .help("Requests that wait to be let in")
        .labelNames("urgency")
        .callback(callback ->
            storage
                .counts()
                .waiting()
                .forEach((urgency, count) -> callback.call(count, word(urgency))))
        .register(registry);
    GaugeWithCallback.builder()
        .name("varve_remote_outage_failures")
        .help("Failures in a row; 0: the store answers")
        .callback(callback ->
            callback.call(storage.counts().outage().map(RemoteCounts.Outage::failures).orElse(0)))
        .register(registry);
  }

  private void ofOperation(
      PrometheusRegistry registry,
      String name,
      String help,
      ToDoubleFunction<RemoteCounts.OfOperation> value) {
    CounterWithCallback.builder()
        .name("varve_remote_" + name)
        .help(help)
        .labelNames("operation")
        .callback(callback ->
            storage
                .counts()
                .operations()
                .forEach(
                    (operation, of) -> callback.call(value.applyAsDouble(of), word(operation))))
        .register(registry);
  }

  private static String word(Enum<?> of) {
    return of.name().toLowerCase(Locale.ROOT);
  }
}
