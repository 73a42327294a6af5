package dev.varve.server.http;

import com.sun.net.httpserver.HttpExchange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException.InvalidRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/// One request and its answer. One thread uses it.
final class Call {

  static final ObjectMapper JSON = new ObjectMapper();

  private static final int MAX_JSON = 1 << 20;

  private final HttpExchange exchange;
  private final Map<String, String> query = new HashMap<>();
  private Map<String, String> variables = Map.of();
  private boolean answered;

  Call(HttpExchange exchange) {
    this.exchange = exchange;
    String raw = exchange.getRequestURI().getRawQuery();
    if (raw != null) {
      for (String pair : raw.split("&", -1)) {
        int equals = pair.indexOf('=');
        query.put(
            decode(equals < 0 ? pair : pair.substring(0, equals)),
            equals < 0 ? "" : decode(pair.substring(equals + 1)));
      }
    }
  }

  private static String decode(String text) {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException _) {
      return text;
    }
  }

  String method() {
    return exchange.getRequestMethod();
  }

  String rawPath() {
    return exchange.getRequestURI().getRawPath();
  }

  /// Whether the path fits the pattern; if so, the pattern's variables are known from here on.
  boolean match(List<String> pattern, List<String> path) {
    if (pattern.size() != path.size()) {
      return false;
    }
    var found = new HashMap<String, String>();
    for (int i = 0; i < pattern.size(); i++) {
      if (pattern.get(i).startsWith(":")) {
        found.put(pattern.get(i).substring(1), decode(path.get(i)));
      } else if (!pattern.get(i).equals(path.get(i))) {
        return false;
      }
    }
    variables = found;
    return true;
  }

  /// The value of a path variable.
  String path(String name) {
    String value = variables.get(name);
    if (value == null) {
      throw new IllegalStateException("the route has no variable " + name);
    }
    return value;
  }

  Optional<String> query(String name) {
    return Optional.ofNullable(query.get(name));
  }

  String requiredQuery(String name) {
    return query(name)
        .orElseThrow(() -> new InvalidRequest("the query parameter " + name + " is missing"));
  }

  Optional<Lsn> lsn(String name) {
    return query(name).map(text -> parse(text, Lsn::parse));
  }

  Optional<Instant> time(String name) {
    return query(name).map(Call::instant);
  }

  long number(String name, long otherwise) {
    return query(name).map(text -> parse(text, Long::parseLong)).orElse(otherwise);
  }

  static Instant instant(String text) {
    try {
      return OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException _) {
      throw new InvalidRequest(
          "\"" + text + "\" is not a time; one looks like 2026-11-22T14:03:00Z");
    }
  }

  /// What `parser` makes of the text; what it refuses is the client's mistake.
  static <T> T parse(String text, Function<String, T> parser) {
    try {
      return parser.apply(text);
    } catch (NumberFormatException _) {
      throw new InvalidRequest("\"" + text + "\" is not a number");
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(String.valueOf(e.getMessage()));
    }
  }

  /// The request's body, a JSON object.
  ObjectNode body() throws IOException {
    byte[] bytes = exchange.getRequestBody().readNBytes(MAX_JSON + 1);
    if (bytes.length > MAX_JSON) {
      throw new InvalidRequest("the request's body is larger than " + MAX_JSON + " bytes");
    }
    try {
      if (JSON.readTree(bytes) instanceof ObjectNode object) {
        return object;
      }
    } catch (JacksonException _) {
      // Answered below, like any other body that is no object.
    }
    throw new InvalidRequest("the request's body must be a JSON object");
  }

  static String requiredText(JsonNode body, String field) {
    JsonNode value = body.path(field);
    if (!value.isString()) {
      throw new InvalidRequest("the request's body lacks the text \"" + field + "\"");
    }
    return value.asString();
  }

  static Optional<String> text(JsonNode body, String field) {
    JsonNode value = body.path(field);
    return value.isString() ? Optional.of(value.asString()) : Optional.empty();
  }

  InputStream bodyStream() {
    return exchange.getRequestBody();
  }

  void header(String name, String value) {
    exchange.getResponseHeaders().set(name, value);
  }

  void answer(int status, JsonNode json) throws IOException {
    bytes(status, "application/json", json.toString().getBytes(StandardCharsets.UTF_8));
  }

  void bytes(int status, String type, byte[] bytes) throws IOException {
    header("Content-Type", type);
    answered = true;
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  /// A body of unknown length, to be closed when it is whole and only then: should writing it fail,
  /// the connection breaks off before the last chunk, by which the client knows.
  OutputStream stream(String type) throws IOException {
    header("Content-Type", type);
    answered = true;
    exchange.sendResponseHeaders(200, 0);
    return exchange.getResponseBody();
  }

  void error(int status, String message) throws IOException {
    if (answered) {
      throw new IOException("failed in the middle of an answer: " + message);
    }
    ObjectNode error = JSON.createObjectNode();
    error.put("msg", message);
    answer(status, error);
  }

  @Override
  public String toString() {
    return method() + " " + rawPath();
  }
}
