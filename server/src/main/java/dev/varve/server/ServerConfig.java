package dev.varve.server;

import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.server.remote.RemoteConfig;
import dev.varve.timeline.RetentionSettings;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// What a server is told when it starts.
///
/// @param memory the budget in bytes for heap and off-heap together
/// @param retention how much history all timelines keep
/// @param metricsTimelines how many timelines have series of their own among the metrics
/// @param remote where tenants are kept for good; null: only in the data directory
public record ServerConfig(
    Path data,
    InetSocketAddress http,
    InetSocketAddress pages,
    long memory,
    RetentionSettings retention,
    int metricsTimelines,
    @Nullable RemoteConfig remote) {

  private static final int METRICS_TIMELINES = 1000;

  public ServerConfig {
    if (metricsTimelines < 0) {
      throw new InvalidRequest("--metrics-timelines can't be " + metricsTimelines);
    }
  }

  /// With the standard number of timelines among the metrics, and no object store.
  public ServerConfig(
      Path data,
      InetSocketAddress http,
      InetSocketAddress pages,
      long memory,
      RetentionSettings retention) {
    this(data, http, pages, memory, retention, METRICS_TIMELINES, null);
  }

  /// With {@link RetentionSettings#DEFAULT}.
  public ServerConfig(Path data, InetSocketAddress http, InetSocketAddress pages, long memory) {
    this(data, http, pages, memory, RetentionSettings.DEFAULT);
  }

  /// @throws InvalidRequest naming the address that makes no sense
  public static ServerConfig of(Path data, String http, String pages, long memory) {
    return new ServerConfig(data, address("--http", http), address("--pg", pages), memory);
  }

  public ServerConfig withRetention(RetentionSettings newRetention) {
    return new ServerConfig(data, http, pages, memory, newRetention, metricsTimelines, remote);
  }

  public ServerConfig withMetricsTimelines(int most) {
    return new ServerConfig(data, http, pages, memory, retention, most, remote);
  }

  public ServerConfig withRemote(RemoteConfig newRemote) {
    return new ServerConfig(data, http, pages, memory, retention, metricsTimelines, newRemote);
  }

  /// @param horizon bytes of WAL of which all history is kept
  /// @param pitrInterval how far back all history is kept; zero: that does not count
  public ServerConfig withHistory(long horizon, Duration pitrInterval) {
    return withRetention(new RetentionSettings(horizon, pitrInterval, retention.period()));
  }

  private static InetSocketAddress address(String option, String text) {
    int colon = text.lastIndexOf(':');
    if (colon > 0 && text.substring(colon + 1).matches("[0-9]{1,5}")) {
      int port = Integer.parseInt(text.substring(colon + 1));
      String host = text.substring(0, colon).replaceAll("^\\[(.*)]$", "$1");
      if (port <= 0xFFFF) {
        var address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
          throw new InvalidRequest(option + ": there is no host " + host);
        }
        return address;
      }
    }
    throw new InvalidRequest(
        option + " takes HOST:PORT, such as 127.0.0.1:9898, not \"" + text + "\"");
  }
}
