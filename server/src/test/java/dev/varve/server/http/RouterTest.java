package dev.varve.server.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.ObjectNode;

/// Requests as bytes on a real connection: a client library would mend what is wrong with them.
class RouterTest {

  private HttpServer http;

  @BeforeEach
  void open() throws IOException {
    http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    Router router =
        new Router()
            .on("GET", "/echo/:one/to/:two", RouterTest::echo)
            .on("POST", "/body", RouterTest::body)
            .on("GET", "/fail/:kind", RouterTest::fail)
            .on("GET", "/numbers", RouterTest::numbers)
            .on("GET", "/stream/:size", RouterTest::stream)
            .on("GET", "/same", call -> call.answer(200, Call.JSON.createObjectNode()))
            .on("PUT", "/same", call -> call.answer(202, Call.JSON.createObjectNode()));
    http.createContext("/", router::handle);
    http.start();
  }

  @AfterEach
  void close() {
    http.stop(0);
  }

  private static void echo(Call call) throws IOException {
    ObjectNode answer = Call.JSON.createObjectNode();
    answer.put("one", call.path("one")).put("two", call.path("two"));
    answer.put("q", call.query("q").orElse("-"));
    call.answer(200, answer);
  }

  private static void body(Call call) throws IOException {
    call.answer(200, Call.JSON.createObjectNode().put("a", Call.requiredText(call.body(), "a")));
  }

  private static void numbers(Call call) throws IOException {
    ObjectNode answer = Call.JSON.createObjectNode();
    answer.put("n", call.number("n", 42));
    answer.put("lsn", call.lsn("lsn").map(Object::toString).orElse("-"));
    answer.put("time", call.time("time").map(Object::toString).orElse("-"));
    answer.put("required", call.requiredQuery("required"));
    call.answer(200, answer);
  }

  /// Writes so much, and fails unless that was 5.
  private static void stream(Call call) throws IOException {
    var body = call.stream("text/plain");
    body.write("x".repeat(Integer.parseInt(call.path("size"))).getBytes(StandardCharsets.UTF_8));
    if (!call.path("size").equals("5")) {
      throw new PageserverException.DataCorrupted("can't go on");
    }
    body.close();
  }

  @Test
  void anAnswerThatBreaksOffDoesNotLookWhole() throws IOException {
    assertThat(ask("GET /stream/5")).isEqualTo("200 5\r\nxxxxx\r\n0\r\n\r\n");
    for (int size : new int[] {0, 1, 4096, 100_000}) {
      assertThat(ask("GET /stream/" + size)).as("%s", size).doesNotEndWith("0\r\n\r\n");
    }
    assertThat(ask("GET /same")).isEqualTo("200 {}");
  }

  private static void fail(Call call) {
    String kind = call.path("kind");
    throw switch (kind) {
      case "request" -> new PageserverException.InvalidRequest("ask else");
      case "found" -> new PageserverException.NotFound("not here");
      case "conflict" -> new PageserverException.Conflict("in the way");
      case "unavailable" -> new PageserverException.Unavailable("not now");
      case "unsupported" -> new PageserverException.Unsupported("not yet");
      case "corrupted" -> new PageserverException.DataCorrupted("stop");
      case "error" -> throw new NoClassDefFoundError("not whole");
      default -> throw new IllegalStateException("a mistake of ours");
    };
  }

  /// Status and body of the answer.
  private String ask(String request, String body) throws IOException {
    try (var socket = new Socket(http.getAddress().getAddress(), http.getAddress().getPort())) {
      socket.setSoTimeout(60_000);
      String text =
          request
              + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
              + body.getBytes(StandardCharsets.UTF_8).length
              + "\r\n\r\n"
              + body;
      socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
      String answer = new String(received(socket), StandardCharsets.UTF_8);
      if (answer.isEmpty()) {
        return answer;
      }
      assertThat(answer).startsWith("HTTP/1.1 ");
      return answer.substring(9, 12) + " " + answer.substring(answer.indexOf("\r\n\r\n") + 4);
    }
  }

  /// All to the end; a reset is an end, too.
  private static byte[] received(Socket socket) throws IOException {
    var bytes = new java.io.ByteArrayOutputStream();
    try {
      int one;
      while ((one = socket.getInputStream().read()) >= 0) {
        bytes.write(one);
      }
    } catch (java.net.SocketException _) {
      // As far as it came.
    }
    return bytes.toByteArray();
  }

  private String ask(String request) throws IOException {
    return ask(request, "");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "GET /echo/a/to/b | 200 {\"one\":\"a\",\"two\":\"b\",\"q\":\"-\"}",
        "GET /echo/a/to/b?q=x+y%2F%C3%A4&r | 200 {\"one\":\"a\",\"two\":\"b\",\"q\":\"x y/ä\"}",
        "GET /echo/a%2Fb/to/%20 | 200 {\"one\":\"a/b\",\"two\":\" \",\"q\":\"-\"}",
        "GET /echo//to/ | 200 {\"one\":\"\",\"two\":\"\",\"q\":\"-\"}",
        "GET /echo/a/to/b?q | 200 {\"one\":\"a\",\"two\":\"b\",\"q\":\"\"}",
        "GET /same | 200 {}",
        "PUT /same | 202 {}",
        "GET /unknown | 404 {\"msg\":\"page not found\"}",
        "GET / | 404 {\"msg\":\"page not found\"}",
        "GET /echo/a/to | 404 {\"msg\":\"page not found\"}",
        "GET /echo/a/to/b/ | 404 {\"msg\":\"page not found\"}",
        "GET /ECHO/a/to/b | 404 {\"msg\":\"page not found\"}",
        "GET /same/../same | 404 {\"msg\":\"page not found\"}",
        "DELETE /same | 405 {\"msg\":\"DELETE is not what this page is for\"}",
        "BREW /same | 405 {\"msg\":\"BREW is not what this page is for\"}",
      })
  void methodAndPathFindTheHandler(String request, String answer) throws IOException {
    assertThat(ask(request)).isEqualTo(answer);
  }

  @ParameterizedTest
  @CsvSource({
    "request, 400, ask else",
    "found, 404, not here",
    "conflict, 409, in the way",
    "unavailable, 503, not now",
    "unsupported, 501, not yet",
    "corrupted, 500, stop",
  })
  void failuresAreAnswers(String kind, int status, String message) throws IOException {
    assertThat(ask("GET /fail/" + kind)).isEqualTo(status + " {\"msg\":\"" + message + "\"}");
  }

  @Test
  void aMistakeOfOursIsAnAnswerThatSaysSo() throws IOException {
    assertThat(ask("GET /fail/otherwise"))
        .startsWith("500 ")
        .contains("the server failed to answer; its log says why");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`` | the request's body must be a JSON object",
        "[1] | the request's body must be a JSON object",
        "\"text\" | the request's body must be a JSON object",
        "{\"a\": | the request's body must be a JSON object",
        "\u0000 | the request's body must be a JSON object",
        "{} | the request's body lacks the text \\\"a\\\"",
        "{\"a\": 1} | the request's body lacks the text \\\"a\\\"",
        "{\"a\": null} | the request's body lacks the text \\\"a\\\"",
      })
  void aBodyThatMakesNoSenseIsTheClientsMistake(String body, String message) throws IOException {
    assertThat(ask("POST /body", body)).isEqualTo("400 {\"msg\":\"" + message + "\"}");
  }

  @Test
  void aBodyHasABound() throws IOException {
    assertThat(ask("POST /body", "{\"a\": \"" + "x".repeat(1 << 20) + "\"}"))
        .startsWith("400 ")
        .contains("larger than 1048576 bytes");
    assertThat(ask("POST /body", "{\"a\": \"" + "x".repeat(1 << 19) + "\"}")).startsWith("200 ");
    assertThat(ask("POST /body", "[".repeat(1 << 19))).startsWith("400 ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "n=5&lsn=0/8&time=2026-11-22T14:03:00%2B01:00&required | 200"
            + " {\"n\":5,\"lsn\":\"0/8\",\"time\":\"2026-11-22T13:03:00Z\",\"required\":\"\"}",
        "required=1 | 200 {\"n\":42,\"lsn\":\"-\",\"time\":\"-\",\"required\":\"1\"}",
        "n=5 | 400 {\"msg\":\"the query parameter required is missing\"}",
        "n=five&required | 400 {\"msg\":\"\\\"five\\\" is not a number\"}",
        "n=99999999999999999999&required | 400 {\"msg\":\"\\\"99999999999999999999\\\" is not a"
            + " number\"}",
        "n=&required | 400 {\"msg\":\"\\\"\\\" is not a number\"}",
        "lsn=8&required | 400 {\"msg\":\"\\\"8\\\" is not an LSN; an LSN looks like 0/16B3748\"}",
        "time=now&required | 400 {\"msg\":\"\\\"now\\\" is not a time; one looks like"
            + " 2026-11-22T14:03:00Z\"}",
      })
  void queriesAreChecked(String query, String answer) throws IOException {
    assertThat(ask("GET /numbers?" + query)).isEqualTo(answer);
  }

  @Test
  void endsTheConnectionAfterAnError() throws IOException {
    assertThat(ask("GET /fail/error", "")).isEmpty();
  }
}
