package dev.varve.cli;

import java.net.URI;
import picocli.CommandLine.Option;

/// What every command that talks to a server takes.
final class ServerOptions {

  @Option(
      names = "--server",
      paramLabel = "URL",
      defaultValue = "${env:VARVE_SERVER:-http://127.0.0.1:9898}",
      description = "The server's HTTP address (default: VARVE_SERVER, or ${DEFAULT-VALUE}).")
  private String server = "";

  @Option(names = "--json", description = "Print JSON, for programs.")
  boolean json;

  ServerClient client() {
    URI uri;
    try {
      uri = URI.create(server.contains("://") ? server : "http://" + server);
    } catch (IllegalArgumentException _) {
      throw noUrl();
    }
    boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!http || uri.getHost() == null) {
      throw noUrl();
    }
    return new ServerClient(uri);
  }

  private CliException noUrl() {
    return new CliException(
        "--server takes a URL such as http://127.0.0.1:9898, not \"" + server + "\"");
  }
}
