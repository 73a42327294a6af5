package dev.varve.cli;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// Speaks to a server's HTTP API. What the server refuses becomes a {@link CliException} with the
/// server's own sentence.
final class ServerClient {

  static final ObjectMapper JSON = new ObjectMapper();

  private final URI server;
  private final HttpClient http =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

  ServerClient(URI server) {
    this.server = server;
  }

  JsonNode get(String path) {
    return json(request(path).GET().build());
  }

  JsonNode post(String path, JsonNode body) {
    return json(
        request(path)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body.toString()))
            .build());
  }

  JsonNode put(String path, BodyPublisher body) {
    return json(request(path).PUT(body).build());
  }

  JsonNode delete(String path) {
    return json(request(path).DELETE().build());
  }

  /// The body as it streams in; the caller closes it.
  HttpResponse<InputStream> stream(String path) {
    HttpResponse<InputStream> response = send(request(path).GET().build());
    if (response.statusCode() != 200) {
      throw refusal(response.statusCode(), text(response));
    }
    return response;
  }

  /// The timeline of that name, as the API describes it.
  JsonNode timeline(String name) {
    JsonNode timeline = get("/v1/timeline/" + encode(name));
    if (!timeline.path("tenant_id").isString() || !timeline.path("timeline_id").isString()) {
      throw notOurs("something that is no timeline");
    }
    return timeline;
  }

  private CliException notOurs(String answer) {
    return new CliException(server + " answered " + answer + "; is it a Varve server?");
  }

  /// Where the API has that timeline's own routes.
  static String path(JsonNode timeline) {
    return "/v1/tenant/%s/timeline/%s"
        .formatted(timeline.get("tenant_id").asString(), timeline.get("timeline_id").asString());
  }

  static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(server.resolve(path));
  }

  private JsonNode json(HttpRequest request) {
    HttpResponse<InputStream> response = send(request);
    String text = text(response);
    if (response.statusCode() / 100 != 2) {
      throw refusal(response.statusCode(), text);
    }
    try {
      return JSON.readTree(text);
    } catch (JacksonException _) {
      throw notOurs("something that is not JSON");
    }
  }

  private HttpResponse<InputStream> send(HttpRequest request) {
    try {
      return http.send(request, BodyHandlers.ofInputStream());
    } catch (ConnectException e) {
      throw new CliException("no server answers at " + server + "; start one with: varve serve", e);
    } catch (IOException e) {
      throw new CliException("the connection to " + server + " failed: " + e.getMessage(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CliException("interrupted", e);
    }
  }

  private String text(HttpResponse<InputStream> response) {
    try (InputStream body = response.body()) {
      return new String(body.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new CliException("the answer of " + server + " broke off: " + e.getMessage(), e);
    }
  }

  private CliException refusal(int status, String body) {
    try {
      JsonNode message = JSON.readTree(body).get("msg");
      if (message != null) {
        return new CliException(message.asString());
      }
    } catch (JacksonException _) {
      // Not an answer of ours: fall through and say what came.
    }
    return new CliException(server + " answered with HTTP status " + status);
  }
}
