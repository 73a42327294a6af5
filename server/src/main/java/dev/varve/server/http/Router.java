package dev.varve.server.http;

import com.sun.net.httpserver.HttpExchange;
import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.Conflict;
import dev.varve.model.PageserverException.DataCorrupted;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.model.PageserverException.NotFound;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.PageserverException.Unsupported;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// Finds the handler of a request by method and path, and answers with an error where it fails.
///
/// A pattern is a path in which a segment that begins with `:` stands for any one segment, whose
/// value {@link Call#path} then gives.
final class Router {

  private static final System.Logger LOG = System.getLogger(Router.class.getName());

  /// Answers one request.
  interface Handler {
    void handle(Call call) throws IOException;
  }

  private record Route(String method, List<String> pattern, Handler handler) {}

  private final List<Route> routes = new ArrayList<>();

  Router on(String method, String pattern, Handler handler) {
    routes.add(new Route(method, List.of(pattern.split("/", -1)), handler));
    return this;
  }

  /// Answers the exchange, whatever happens, and closes it.
  ///
  /// @throws IOException when the answer broke off. The exchange is left open then: closing it
  ///   would end the answer as if it were whole, while the HTTP server closes the connection of a
  ///   handler that throws, by which the client knows
  void handle(HttpExchange exchange) throws IOException {
    var call = new Call(exchange);
    try {
      answer(call);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "answering " + call + " broke off: " + e.getMessage());
      throw e;
    }
    exchange.close();
  }

  private void answer(Call call) throws IOException {
    try {
      dispatch(call);
    } catch (PageserverException e) {
      call.error(status(e), e.getMessage());
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "answering " + call + " failed", e);
      call.error(500, "the server failed to answer; its log says why: " + e);
    } catch (Error e) {
      // The HTTP server would leave the connection open, and the client waiting for ever.
      LOG.log(System.Logger.Level.ERROR, "answering " + call + " failed", e);
      throw new IOException("the server failed: " + e, e);
    }
  }

  private void dispatch(Call call) throws IOException {
    List<String> path = List.of(call.rawPath().split("/", -1));
    boolean known = false;
    for (Route route : routes) {
      if (call.match(route.pattern(), path)) {
        known = true;
        if (route.method().equals(call.method())) {
          route.handler().handle(call);
          return;
        }
      }
    }
    if (known) {
      call.error(405, call.method() + " is not what this page is for");
    } else {
      call.error(404, "page not found");
    }
  }

  private static int status(PageserverException failure) {
    return switch (failure) {
      case InvalidRequest _ -> 400;
      case NotFound _ -> 404;
      case Conflict _ -> 409;
      case Unavailable _ -> 503;
      case Unsupported _ -> 501;
      case DataCorrupted _ -> 500;
    };
  }
}
