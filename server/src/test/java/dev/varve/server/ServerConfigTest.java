package dev.varve.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.PageserverException.InvalidRequest;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ServerConfigTest {

  private static final String ANY = "127.0.0.1:0";

  private static ServerConfig config(String http, String pages) {
    return ServerConfig.of(Path.of("data"), http, pages, 1 << 30);
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:9898, 127.0.0.1, 9898",
    "127.0.0.1:0, 127.0.0.1, 0",
    "0.0.0.0:65535, 0.0.0.0, 65535",
    "localhost:1, localhost, 1",
    "[::1]:80, ::1, 80",
    "::1:80, ::1, 80",
  })
  void anAddressIsHostAndPort(String text, String host, int port) {
    ServerConfig config = config(text, ANY);
    assertThat(config.http()).isEqualTo(new InetSocketAddress(host, port));
    assertThat(config.pages().getPort()).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "9898",
        ":9898",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:http",
        "a:65536",
        "127.0.0.1:-1",
        "127.0.0.1:999999",
        "127.0.0.1: 80"
      })
  void whatIsNoAddressIsNamedWithItsOption(String text) {
    assertThatThrownBy(() -> config(text, ANY))
        .isInstanceOf(InvalidRequest.class)
        .hasMessage("--http takes HOST:PORT, such as 127.0.0.1:9898, not \"" + text + "\"");
    assertThatThrownBy(() -> config(ANY, text))
        .isInstanceOf(InvalidRequest.class)
        .hasMessageStartingWith("--pg takes HOST:PORT");
  }

  @Test
  void aHostThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> config("no-such-host.invalid:80", ANY))
        .isInstanceOf(InvalidRequest.class)
        .hasMessage("--http: there is no host no-such-host.invalid");
  }

  private static ServerConfig local(Path data, int http, int pages) {
    return ServerConfig.of(data, "127.0.0.1:" + http, "127.0.0.1:" + pages, 256 << 20);
  }

  @Test
  void aPortInUseIsNamedAndNothingStaysOpen(@TempDir Path data) throws IOException {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      assertThatThrownBy(() -> VarveServer.open(local(data, 0, port), InstantSource.system()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("can't listen on 127.0.0.1:" + port + " for the page service")
          .hasMessageContaining("choose another address");
      assertThatThrownBy(() -> VarveServer.open(local(data, port, 0), InstantSource.system()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("can't listen on 127.0.0.1:" + port + " for the HTTP API")
          .hasMessageContaining("choose another address with --http");
    }
    try (var server = VarveServer.open(local(data, 0, 0), InstantSource.system())) {
      assertThat(server.httpAddress().getPort()).isPositive();
    }
  }

  @Test
  void aDataDirectoryHasOneServer(@TempDir Path data) throws IOException {
    try (var _ = VarveServer.open(local(data, 0, 0), InstantSource.system())) {
      assertThatThrownBy(() -> VarveServer.open(local(data, 0, 0), InstantSource.system()))
          .isInstanceOf(IOException.class)
          .hasMessageContaining(data.toString());
    }
    try (var again = VarveServer.open(local(data, 0, 0), InstantSource.system())) {
      assertThat(again.pageAddress().getPort()).isPositive();
    }
  }

  @Test
  void whatAKilledImportLeftIsDeleted(@TempDir Path data) throws IOException {
    Path left = Files.createDirectories(data.resolve("scratch/wal17"));
    Files.writeString(left.resolve("000000010000000000000001"), "x");
    try (var server = VarveServer.open(local(data, 0, 0), InstantSource.system())) {
      assertThat(server.httpAddress().getPort()).isPositive();
      assertThat(data.resolve("scratch")).isEmptyDirectory();
    }
  }

  @Test
  void aFileIsNoDataDirectory(@TempDir Path folder) throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> VarveServer.open(local(file, 0, 0), InstantSource.system()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
  }
}
