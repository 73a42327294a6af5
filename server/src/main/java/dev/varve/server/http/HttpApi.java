package dev.varve.server.http;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// The HTTP API on its port. One that exists is answering; one that is closed has finished.
public final class HttpApi implements AutoCloseable {

  private static final int BACKLOG = 128;

  private final HttpServer http;
  private final ExecutorService threads;

  private HttpApi(HttpServer http, ExecutorService threads) {
    this.http = http;
    this.threads = threads;
  }

  /// @throws IOException naming the address, when it can't be had
  public static HttpApi open(InetSocketAddress address, Routes routes) throws IOException {
    HttpServer http;
    try {
      http = HttpServer.create(address, BACKLOG);
    } catch (IOException e) {
      throw new IOException(
          "can't listen on "
              + address.getHostString()
              + ":"
              + address.getPort()
              + " for the HTTP API: "
              + e.getMessage()
              + "; choose another address with --http",
          e);
    }
    Router router = routes.router();
    ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("http-", 0).factory());
    http.setExecutor(threads);
    http.createContext("/", router::handle);
    http.start();
    return new HttpApi(http, threads);
  }

  /// The address in use, with the port that was chosen where none was asked for.
  public InetSocketAddress address() {
    return http.getAddress();
  }

  @Override
  public void close() {
    http.stop(0);
    threads.shutdownNow();
    threads.close();
  }
}
