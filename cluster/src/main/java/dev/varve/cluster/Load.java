package dev.varve.cluster;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/// Clients that work on a server, each with a thread, a connection and a random sequence of its
/// own, until they have done what was asked or {@link #close()} stops them.
///
/// What a client asks for depends on the seed and its number alone; how the clients interleave does
/// not. The first failure stops all of them and is thrown by {@link #await()} and {@link #close()}.
/// Thread-safe.
public final class Load implements AutoCloseable {

  private static final Duration RETRY = Duration.ofMillis(50);

  /// Opens a connection; in auto-commit mode.
  public interface ConnectionSource {
    Connection open() throws SQLException;
  }

  /// What one client does; called by one thread at a time.
  public interface Client {
    /// Does one unit of work and leaves no transaction open.
    void step(Connection connection, SplittableRandom random) throws SQLException;
  }

  /// How much load, and of which sort.
  ///
  /// @param steps of each client; 0 for as many as there is time for
  /// @param reconnects whether a client whose connection fails goes on with a new one, for servers
  ///   that are stopped or killed under the load
  public record Plan(int clients, long seed, long steps, boolean reconnects) {

    public Plan {
      if (clients < 1 || steps < 0) {
        throw new IllegalArgumentException("clients: " + clients + ", steps: " + steps);
      }
    }

    /// Until the load is closed.
    public static Plan endless(int clients, long seed) {
      return new Plan(clients, seed, 0, false);
    }

    /// So many steps of each client.
    public static Plan steps(int clients, long seed, long steps) {
      return new Plan(clients, seed, steps, false);
    }

    /// The same, with clients that outlive a restart of the server.
    public Plan reconnecting() {
      return new Plan(clients, seed, steps, true);
    }
  }

  private final ConnectionSource source;
  private final Plan plan;
  private final List<Thread> threads = new ArrayList<>();
  private final AtomicLong done = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean stopping;

  private Load(ConnectionSource source, Plan plan) {
    this.source = source;
    this.plan = plan;
  }

  /// Starts the clients; the function makes each from its number, 0 first.
  public static Load start(ConnectionSource source, Plan plan, IntFunction<Client> clients) {
    var load = new Load(source, plan);
    for (int i = 0; i < plan.clients(); i++) {
      Client client = clients.apply(i);
      var random = new SplittableRandom(plan.seed() * 1_000_003 + i);
      load.threads.add(Thread.ofPlatform().name("load-" + i).start(() -> load.run(client, random)));
    }
    return load;
  }

  /// How many steps all clients together have finished.
  public long steps() {
    return done.get();
  }

  /// Waits until every client has done its steps.
  ///
  /// @throws SQLException the first failure of a client
  public void await() throws SQLException, InterruptedException {
    for (Thread thread : threads) {
      thread.join();
    }
    rethrow();
  }

  /// Waits until all clients together have finished so many steps.
  public void await(long steps) throws SQLException, InterruptedException {
    while (done.get() < steps && threads.stream().anyMatch(Thread::isAlive)) {
      Thread.sleep(Duration.ofMillis(5));
    }
    rethrow();
  }

  /// Lets every client finish its step, and ends.
  ///
  /// @throws SQLException the first failure of a client
  @Override
  public void close() throws SQLException {
    stopping = true;
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    rethrow();
  }

  private void rethrow() throws SQLException {
    Throwable cause = failure.get();
    if (cause != null) {
      throw new SQLException("the load failed: " + cause.getMessage(), cause);
    }
  }

  private void run(Client client, SplittableRandom random) {
    long steps = 0;
    try {
      while (!isOver(steps)) {
        try (Connection connection = source.open()) {
          while (!isOver(steps)) {
            client.step(connection, random);
            steps++;
            done.incrementAndGet();
          }
        } catch (SQLException e) {
          if (!plan.reconnects() || !isConnectionFailure(e)) {
            throw e;
          }
          Thread.sleep(RETRY);
        }
      }
    } catch (SQLException | RuntimeException | InterruptedException e) {
      failure.compareAndSet(null, e);
      stopping = true;
    }
  }

  private boolean isOver(long steps) {
    return stopping || (plan.steps() != 0 && steps >= plan.steps());
  }

  /// Connection exceptions, and a server that is shutting down, starting or crashing.
  private static boolean isConnectionFailure(SQLException e) {
    String state = e.getSQLState();
    return state != null && (state.startsWith("08") || state.startsWith("57P"));
  }
}
