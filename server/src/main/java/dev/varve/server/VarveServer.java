package dev.varve.server;

import dev.varve.datadir.CommitTimes;
import dev.varve.datadir.DirectoryRules;
import dev.varve.datadir.restore.BaseBackup;
import dev.varve.postgres.PgVersion;
import dev.varve.redo.Redo;
import dev.varve.server.follow.Receivers;
import dev.varve.server.http.HttpApi;
import dev.varve.server.http.Routes;
import dev.varve.server.imports.Imports;
import dev.varve.server.metrics.ServerMetrics;
import dev.varve.server.page.PageService;
import dev.varve.server.remote.RemoteConfig;
import dev.varve.server.remote.RemoteParts;
import dev.varve.task.RealThreads;
import dev.varve.task.TaskManager;
import dev.varve.timeline.DataModel;
import dev.varve.timeline.PageRedo;
import dev.varve.timeline.Remote;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.TimelineSettings;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/// The server, wired together: the only place that knows every part. One that exists is serving;
/// one that is closed has ended all its work and made what it had durable.
///
/// | memory            | share of the budget                                                      |
/// |-------------------|--------------------------------------------------------------------------|
/// | heap              | a half: block cache (a quarter of the heap), requests, redo              |
/// | layers, off heap  | three eighths: open and frozen layers, batches of imports; of that, a    |
/// |                   | sixteenth for the page cache                                             |
/// | direct buffers    | an eighth: file and socket I/O of the JVM; 64 MiB more, of what is set   |
/// |                   | aside, for long chains of changes of one page                            |
///
/// The launcher makes the budget of `--memory`, which bounds the process: it sets aside 256 MiB for
/// the JVM's own code, classes, threads and collector, and gives the JVM its flags accordingly. A
/// connection to the page service takes some 80 KiB of the heap, whatever it does: so there may be
/// one for each MiB of the budget, and 1000 at most.
public final class VarveServer implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(VarveServer.class.getName());
  private static final int COMPUTING_THREADS = 2;
  private static final Duration DRAIN = Duration.ofSeconds(30);

  private final TaskManager tasks;
  private final @Nullable RemoteParts remote;
  private final Tenants tenants;
  private final Receivers receivers;
  private final Imports imports;
  private final Listener pages;
  private final HttpApi http;

  private VarveServer(ServerConfig config, InstantSource clock) throws IOException {
    var opened = new Opened();
    try {
      var threads = new RealThreads(clock, COMPUTING_THREADS);
      tasks = opened.add(new TaskManager(threads, DRAIN));
      RemoteConfig store = config.remote();
      remote = store == null ? null : opened.add(RemoteParts.open(store, config.data(), threads));
      tenants =
          opened.add(
              Tenants.open(
                  config.data(),
                  new DataModel(VarveServer::redo, CommitTimes::lsnAt, new DirectoryRules()),
                  tasks,
                  settings(config.memory()).withRetention(config.retention()),
                  remote(store, remote)));
      receivers = opened.add(Receivers.open(config.data(), tenants, tasks));
      imports = Imports.open(config.data().resolve("scratch"), tenants, receivers, tasks);
      pages =
          opened.add(
              Listener.open(
                  "page",
                  config.pages(),
                  mostConnections(config.memory()),
                  new PageService(
                      tenants,
                      (timeline, lsn) -> BaseBackup.of(timeline, lsn, clock.instant())::write,
                      "too many connections: with its memory this server serves "
                          + mostConnections(config.memory())
                          + " at once; close some, or restart it with more --memory")));
      http =
          opened.add(
              HttpApi.open(
                  config.http(),
                  new Routes(
                      tenants,
                      receivers,
                      imports,
                      tasks,
                      new ServerMetrics(
                          tenants,
                          tasks,
                          config.metricsTimelines(),
                          remote == null ? null : remote.storage()),
                      clock)));
    } catch (IOException | RuntimeException e) {
      opened.closeAfter(e);
      throw e;
    }
  }

  private static @Nullable Remote remote(
      @Nullable RemoteConfig config, @Nullable RemoteParts parts) {
    return config == null || parts == null
        ? null
        : new Remote(parts.storage(), parts.generations())
            .withCache(config.cache())
            .withMayBeNew(config.mayBeNew());
  }

  /// Opens the data directory and both ports.
  ///
  /// @throws IOException saying which of them can't be used, and why
  public static VarveServer open(ServerConfig config, InstantSource clock) throws IOException {
    return new VarveServer(config, clock);
  }

  /// Runs a server until the process is told to stop.
  public static void run(ServerConfig config) throws IOException, InterruptedException {
    var stop = new CountDownLatch(1);
    var stopped = new CountDownLatch(1);
    // The hook only asks this thread, which closes everything in order, and waits for its word: not
    // for its end, because it may itself be on its way out of the JVM and wait for the hook.
    var hook =
        new Thread(
            () -> {
              stop.countDown();
              try {
                stopped.await();
              } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
              }
            },
            "shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    try (var server = open(config, InstantSource.system())) {
      announce(config, server);
      stop.await();
      System.out.println("varve: stopping: making what was taken in durable ...");
    } finally {
      stopped.countDown();
    }
    System.out.println("varve: stopped");
  }

  private static void announce(ServerConfig config, VarveServer server) {
    System.out.printf(
        "varve: serving %s; HTTP API on http://%s, page service on %s, memory for data %d MiB%n",
        config.data(),
        text(server.httpAddress()),
        text(server.pageAddress()),
        config.memory() >> 20);
    if (config.remote() != null) {
      System.out.println("varve: all is kept in " + config.remote());
    }
    for (InetSocketAddress address : new InetSocketAddress[] {config.http(), config.pages()}) {
      if (!address.getAddress().isLoopbackAddress()) {
        System.out.printf(
            "varve: WARNING: %s is open to the network, and everybody there may read and change"
                + " everything: this version has no authentication%n",
            text(address));
      }
    }
  }

  private static String text(InetSocketAddress address) {
    return address.getHostString() + ":" + address.getPort();
  }

  private static PageRedo redo(int pgVersion) {
    return new Redo(PgVersion.ofMajor(pgVersion))::apply;
  }

  /// What is not heap and not the JVM's own buffers is for layers, and a sixteenth of that for
  /// pages that are kept as they were made; a quarter of the heap caches blocks.
  static TimelineSettings settings(long memory) {
    long offHeap = memory * 3 / 8;
    long pages = offHeap / 16;
    long layers = offHeap - pages;
    long distance = Math.min(64L << 20, layers / 6);
    return new TimelineSettings(layers, memory / 8, distance, Duration.ofMinutes(10), 2)
        .withPageCache(pages);
  }

  private static int mostConnections(long memory) {
    return Math.clamp(memory >> 20, 16, 1000);
  }

  public InetSocketAddress httpAddress() {
    return http.address();
  }

  /// Imports into this server, as the HTTP API begins them.
  public Imports imports() {
    return imports;
  }

  public InetSocketAddress pageAddress() {
    return pages.address();
  }

  @Override
  public void close() throws IOException {
    LOG.log(System.Logger.Level.INFO, "closing");
    // In the opposite order of opening: no new requests, then no new data, then what is below.
    try (tasks;
        remote;
        tenants;
        receivers;
        pages;
        http) {
      // Nothing to do but close.
    }
  }
}
