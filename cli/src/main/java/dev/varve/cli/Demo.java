package dev.varve.cli;

import dev.varve.cluster.Load;
import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.LocalS3;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Tpcb;
import dev.varve.cluster.Trees;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/// The demo's steps, and what they start; closing it stops and deletes all of that.
final class Demo implements AutoCloseable {

  private static final int MAJOR = 17;
  private static final Tpcb BANK = new Tpcb(2, 100_000);
  private static final int ORDERS = 10_000;
  private static final long STEPS_BEFORE_THE_ACCIDENT = 2_000;

  private final Path folder;
  private final int clients;
  private final boolean remote;
  private final PrintWriter out;
  private final List<String> times = new ArrayList<>();
  private @Nullable LocalCluster production;
  private @Nullable Load load;
  private @Nullable ServerChild server;
  private @Nullable LocalCluster rescued;
  private @Nullable LocalS3 bucket;

  /// @param remote whether the server keeps everything in an S3 server, too
  Demo(Path folder, int clients, boolean remote, PrintWriter out) {
    this.folder = folder;
    this.clients = clients;
    this.remote = remote;
    this.out = out;
  }

  void run() throws Exception {
    PostgresBinaries binaries = PostgresBinaries.of(MAJOR);
    LocalCluster source =
        step(
            "PostgreSQL " + binaries.version() + " \"production\" starts",
            () -> LocalCluster.builder(binaries).start());
    production = source;
    fill(source);
    Load running = BANK.start(source::connect, Load.Plan.endless(clients, 1));
    load = running;
    say(clients + " clients work on it from now on.");

    if (remote) {
      bucket = step("an S3 server, in this process", this::startBucket);
    }
    ServerChild varve = step("varve serve" + withRemote(), this::startServer);
    server = varve;
    step(
        "import, online, under that load",
        () ->
            varve.command(
                "import", "--from", source.connectionString("postgres"), "--name", "production"));
    running.await(running.steps() + STEPS_BEFORE_THE_ACCIDENT);

    String before = query(source, "SELECT clock_timestamp()");
    step(
        "the accident: DELETE FROM orders",
        () -> {
          source.execute("DELETE FROM orders");
          return "";
        });
    say("production now has " + count(source) + " orders.");
    running.await(running.steps() + STEPS_BEFORE_THE_ACCIDENT / 10);

    step(
        "branch to the moment before",
        () -> varve.command("branch", "production", "rescue", "--at", before));
    ServerChild last = remote ? loseTheDisk(varve) : varve;
    Path restored = folder.resolve("restored");
    step(
        "restore a data directory from the branch",
        () -> last.command("restore", "rescue", "--to", restored.toString()));
    LocalCluster rescue =
        step(
            "an unmodified PostgreSQL starts on it",
            () -> LocalCluster.existing(binaries, restored).start());
    rescued = rescue;
    show(source, rescue, running);
  }

  private LocalS3 startBucket() throws IOException {
    return LocalS3.start(folder.resolve("s3"), "varve");
  }

  private String withRemote() {
    LocalS3 store = bucket;
    return store == null ? "" : " --remote " + store.address();
  }

  private ServerChild startServer() throws IOException {
    LocalS3 store = bucket;
    return store == null
        ? ServerChild.start(folder, List.of(), Map.of())
        : ServerChild.start(
            folder,
            List.of("--remote", store.address()),
            Map.of("AWS_ACCESS_KEY_ID", LocalS3.KEY, "AWS_SECRET_ACCESS_KEY", LocalS3.SECRET));
  }

  /// Kills the server, deletes all that it had, and has another one serve it from the bucket.
  private ServerChild loseTheDisk(ServerChild varve) throws Exception {
    step(
        "upload what is not in the bucket yet",
        () -> varve.command("upload", "production") + varve.command("upload", "rescue"));
    String tenant = varve.tenant("production");
    step(
        "kill -9 varve, and delete its data directory",
        () -> {
          varve.kill();
          Trees.delete(folder.resolve(ServerChild.DATA));
          return "";
        });
    ServerChild other = step("varve serve on an empty disk", this::startServer);
    server = other;
    step("attach the tenant from the bucket", () -> other.command("attach", tenant));
    return other;
  }

  private void fill(LocalCluster source) throws Exception {
    step(
        "fill it: " + BANK.branches() * BANK.accounts() + " accounts, " + ORDERS + " orders",
        () -> {
          try (Connection connection = source.connect()) {
            BANK.initialize(connection);
          }
          source.execute(
              "CREATE TABLE orders (id int PRIMARY KEY, customer text, cents bigint)",
              "INSERT INTO orders SELECT i, 'customer ' || i % 97, i * 31 % 10007"
                  + " FROM generate_series(1, "
                  + ORDERS
                  + ") i");
          return "";
        });
  }

  /// Shows that the rows are back, that the copy is consistent, and that production ran on.
  private void show(LocalCluster source, LocalCluster rescue, Load running) throws Exception {
    String orders = count(rescue);
    if (!orders.equals(Integer.toString(ORDERS))) {
      throw new CliException("the branch has " + orders + " orders instead of " + ORDERS);
    }
    try (Connection connection = rescue.connect()) {
      BANK.verify(connection);
    }
    say(
        "the branch has "
            + orders
            + " orders again, production "
            + count(source)
            + ". The first of them:");
    try (Connection connection = rescue.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM orders ORDER BY id LIMIT 3")) {
      var table = new Table("ID", "CUSTOMER", "CENTS");
      while (rows.next()) {
        table.row(rows.getInt(1), rows.getString(2), rows.getLong(3));
      }
      table.print(out);
    }
    long done = running.steps();
    running.await(done + 100);
    say(
        "in the branch, accounts, tellers and branches balance; production has done "
            + running.steps()
            + " transactions and runs on.");
    out.println();
    times.forEach(out::println);
    out.flush();
  }

  private static String count(LocalCluster cluster) throws SQLException {
    return query(cluster, "SELECT count(*) FROM orders");
  }

  private static String query(LocalCluster cluster, String sql) throws SQLException {
    return cluster.query(sql);
  }

  private <T> T step(String what, Callable<T> work) throws Exception {
    out.println("→ " + what);
    out.flush();
    long started = System.nanoTime();
    T result = work.call();
    Duration took = Duration.ofNanos(System.nanoTime() - started);
    if (result instanceof String printed && !printed.isBlank()) {
      out.println("  " + printed.strip().replace("\n", "\n  "));
    }
    times.add(String.format(java.util.Locale.ROOT, "%10s  %s", Sizes.time(took), what));
    return result;
  }

  private void say(String sentence) {
    out.println("  " + sentence);
    out.flush();
  }

  @Override
  public void close() throws IOException, SQLException {
    try (var _ = new Folder(folder);
        var _ = production;
        var _ = bucket;
        var _ = server;
        var _ = rescued;
        var _ = load) {
      // Closed in the opposite order: load, rescued server, varve, S3, production, then the files.
    }
  }

  /// Deletes a folder when it is closed.
  private record Folder(Path path) implements AutoCloseable {
    @Override
    public void close() throws IOException {
      Trees.delete(path);
    }
  }
}
