package dev.varve.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/// A listening port; each connection is served by a virtual thread of its own.
///
/// There is no `start`: a listener that exists is accepting, and one that is closed has finished.
/// It serves so many connections at once and no more; later ones are told so.
public final class Listener implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Listener.class.getName());
  private static final int BACKLOG = 128;

  /// How many are told at once that there is no place for them, and how long that may take.
  private static final int MOST_REFUSALS = 32;

  private static final int REFUSAL_MS = 2_000;

  private final ServerSocket port;
  private final ExecutorService threads;
  private final Set<Socket> connections = ConcurrentHashMap.newKeySet();
  private final Semaphore free;
  private final Semaphore refusals = new Semaphore(MOST_REFUSALS);
  private final Service service;

  /// Serves one connection until it ends; the listener closes the socket.
  public interface Service {
    void serve(Socket socket) throws IOException;

    /// Says to a connection that there are too many.
    default void refuse(Socket socket) throws IOException {}
  }

  private Listener(ServerSocket port, String name, int most, Service service) {
    this.port = port;
    this.free = new Semaphore(most);
    this.service = service;
    this.threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name(name + "-", 0).factory());
  }

  /// @param most how many connections are served at once
  /// @throws IOException naming the address, when it can't be had
  public static Listener open(String name, InetSocketAddress address, int most, Service service)
      throws IOException {
    var port = new ServerSocket();
    try {
      port.bind(address, BACKLOG);
    } catch (IOException e) {
      port.close();
      throw new IOException(
          "can't listen on "
              + address.getHostString()
              + ":"
              + address.getPort()
              + " for the "
              + name
              + " service: "
              + e.getMessage()
              + "; choose another address",
          e);
    }
    var listener = new Listener(port, name, most, service);
    listener.threads.execute(listener::accept);
    return listener;
  }

  /// The address in use, with the port that was chosen where none was asked for.
  public InetSocketAddress address() {
    return (InetSocketAddress) port.getLocalSocketAddress();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = port.accept();
        if (free.tryAcquire()) {
          connections.add(socket);
          threads.execute(() -> converse(socket, service, free));
        } else if (refusals.tryAcquire()) {
          connections.add(socket);
          socket.setSoTimeout(REFUSAL_MS);
          threads.execute(() -> converse(socket, service::refuse, refusals));
        } else {
          socket.close();
        }
      }
    } catch (IOException e) {
      if (!port.isClosed()) {
        LOG.log(System.Logger.Level.ERROR, "accepting connections ended: " + e.getMessage(), e);
      }
    }
  }

  private void converse(Socket socket, Service conversation, Semaphore place) {
    try (socket) {
      socket.setTcpNoDelay(true);
      conversation.serve(socket);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.DEBUG, "connection of {0} ended: {1}", socket, e.getMessage());
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "connection of " + socket + " failed", e);
    } finally {
      connections.remove(socket);
      place.release();
    }
  }

  @Override
  public void close() throws IOException {
    port.close();
    threads.shutdownNow();
    for (Socket socket : connections) {
      socket.close();
    }
    threads.close();
  }
}
