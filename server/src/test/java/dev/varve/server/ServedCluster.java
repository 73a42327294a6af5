package dev.varve.server;

import dev.varve.cluster.LocalCluster;
import dev.varve.cluster.PostgresBinaries;
import dev.varve.cluster.Trees;
import dev.varve.model.Lsn;
import dev.varve.timeline.RetentionSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// A PostgreSQL 17, a Varve in this JVM on ports of its own, and the former imported into the
/// latter as `production`, followed from then on.
///
/// The table `t` has 2000 rows `row-1` ... on several blocks, and maps, since it was vacuumed.
public final class ServedCluster implements AutoCloseable {

  public static final String NAME = "production";
  static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration LIMIT = Duration.ofMinutes(3);

  public final LocalCluster cluster;
  public final VarveServer server;
  private final Path data;
  private final HttpClient http = HttpClient.newHttpClient();
  private final JsonNode imported;

  /// What the HTTP API said.
  public record Answer(int status, JsonNode json) {
    public String message() {
      return json.path("msg").asString();
    }
  }

  public ServedCluster() throws Exception {
    this(RetentionSettings.DEFAULT);
  }

  @SuppressWarnings("AddressSelection")
  public ServedCluster(RetentionSettings retention) throws Exception {
    data = Files.createTempDirectory("varve-served-");
    // What it commits by itself would come between what a test does and what it looks at.
    cluster = LocalCluster.builder(PostgresBinaries.of(17)).setting("autovacuum", "off").start();
    cluster.execute(
        "create table t (id int primary key, v text)",
        "insert into t select i, 'row-' || i from generate_series(1, 2000) i",
        "vacuum t");
    var any = new InetSocketAddress("127.0.0.1", 0);
    server =
        VarveServer.open(
            new ServerConfig(data, any, any, 512 << 20, retention), InstantSource.system());
    Answer begun =
        post("/v1/import", Map.of("name", NAME, "from", cluster.connectionString("postgres")));
    imported = await(begun);
  }

  private JsonNode await(Answer begun) throws IOException {
    Answer ended = awaitImport(begun);
    if (!ended.json().path("state").asString().equals("done")) {
      throw new IOException("not imported: " + ended);
    }
    return get("/v1/timeline/" + NAME).json();
  }

  /// Waits until an import is no longer running.
  public Answer awaitImport(Answer begun) {
    long deadline = System.nanoTime() + LIMIT.toNanos();
    while (true) {
      Answer answer = get("/v1/import/" + begun.json().path("import_id").asString());
      if (!answer.json().path("state").asString().equals("running")
          || System.nanoTime() - deadline > 0) {
        return answer;
      }
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
    }
  }

  /// The server's data directory.
  public Path data() {
    return data;
  }

  public String tenant() {
    return imported.path("tenant_id").asString();
  }

  public String timeline() {
    return imported.path("timeline_id").asString();
  }

  /// The timeline's path of the HTTP API.
  public String path() {
    return "/v1/tenant/" + tenant() + "/timeline/" + timeline();
  }

  /// Where production is now, once Varve has all of it.
  public Lsn caughtUp() throws Exception {
    cluster.execute("checkpoint");
    String lsn = cluster.query("select pg_current_wal_flush_lsn()");
    Answer answer = get(path() + "/wait_lsn?timeout_ms=120000&lsn=" + encode(lsn));
    if (answer.status() != 200) {
      throw new IOException(answer.message());
    }
    return Lsn.parse(answer.json().path("last_record_lsn").asString());
  }

  /// The numbers of a table's file in the database `postgres`.
  public int fileNode(String table) throws Exception {
    return Integer.parseInt(cluster.query("select pg_relation_filenode('" + table + "')"));
  }

  public int database() throws Exception {
    return Integer.parseInt(
        cluster.query("select oid from pg_database where datname = current_database()"));
  }

  public Answer get(String path) {
    return json(request(path).GET());
  }

  public Answer delete(String path) {
    return json(request(path).DELETE());
  }

  public Answer put(String path) {
    return json(request(path).PUT(BodyPublishers.noBody()));
  }

  public Answer put(String path, String body) {
    return json(request(path).PUT(BodyPublishers.ofString(body)));
  }

  public Answer post(String path, Map<String, String> body) {
    return post(path, JSON.writeValueAsString(body));
  }

  public Answer post(String path, String body) {
    return json(request(path).POST(BodyPublishers.ofString(body)));
  }

  public HttpResponse<byte[]> bytes(String path) {
    return send(request(path).GET());
  }

  public static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.httpAddress().getPort() + path));
  }

  private Answer json(HttpRequest.Builder request) {
    HttpResponse<byte[]> response = send(request);
    return new Answer(response.statusCode(), JSON.readTree(response.body()));
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) {
    try {
      return http.send(request.timeout(LIMIT).build(), BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() throws IOException {
    http.close();
    server.close();
    cluster.close();
    Trees.delete(data);
  }
}
