package dev.varve.server;

import dev.varve.model.PageserverException.InvalidRequest;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/// What a server is told when it starts.
///
/// @param memory the budget in bytes for heap and off-heap together
public record ServerConfig(
    Path data, InetSocketAddress http, InetSocketAddress pages, long memory) {

  /// @throws InvalidRequest naming the address that makes no sense
  public static ServerConfig of(Path data, String http, String pages, long memory) {
    return new ServerConfig(data, address("--http", http), address("--pg", pages), memory);
  }

  private static InetSocketAddress address(String option, String text) {
    int colon = text.lastIndexOf(':');
    if (colon > 0 && text.substring(colon + 1).matches("[0-9]{1,5}")) {
      int port = Integer.parseInt(text.substring(colon + 1));
      String host = text.substring(0, colon).replaceAll("^\\[(.*)]$", "$1");
      if (port <= 0xFFFF) {
        var address = new InetSocketAddress(host, port);
        if (address.isUnresolved()) {
          throw new InvalidRequest(option + ": there is no host " + host);
        }
        return address;
      }
    }
    throw new InvalidRequest(
        option + " takes HOST:PORT, such as 127.0.0.1:9898, not \"" + text + "\"");
  }
}
