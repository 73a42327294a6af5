package dev.varve.walreceiver;

import dev.varve.walreceiver.libpq.ConnectionFailedException;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Whether a server can be imported and followed, asked before anything is changed anywhere.
public final class Preflight {

  private static final int OLDEST = 14;
  private static final int NEWEST = 18;
  private static final long SMALLEST_SEGMENT = 1 << 20;
  private static final long LARGEST_SEGMENT = 1 << 30;
  private static final Pattern SIZE = Pattern.compile("(\\d{1,4})(MB|GB)");

  private Preflight() {}

  /// Asks a server over a replication connection; wrong credentials, a missing right and a server
  /// without free WAL senders have failed before that, with a sentence of their own.
  ///
  /// @throws IOException with one sentence that says what does not fit and what to do
  public static SourceFacts check(ReplicationClient client) throws IOException {
    String at = "the PostgreSQL at " + client.host();
    if (client.major() < OLDEST || client.major() > NEWEST) {
      throw unsuitable(
          at
              + " is version %d; Varve follows versions %d to %d"
                  .formatted(client.major(), OLDEST, NEWEST));
    }
    if (client.isInRecovery()) {
      throw unsuitable(at + " is a standby; give its primary");
    }
    require(client, at, "block_size", "8192");
    require(client, at, "wal_block_size", "8192");
    String level = client.show("wal_level");
    if (level.equals("minimal")) {
      throw unsuitable(
          at + " has wal_level = minimal; set wal_level = replica there and restart it");
    }
    if (client.show("max_replication_slots").equals("0")) {
      throw unsuitable(at + " has max_replication_slots = 0; set it to 10 there and restart it");
    }
    if (client.show("max_wal_senders").equals("1")) {
      throw unsuitable(
          at + " has max_wal_senders = 1, and Varve needs 2; set it to 10 there and restart it");
    }
    return new SourceFacts(
        client.serverVersion(),
        client.identifySystem(),
        bytes(client.show("wal_segment_size")),
        client.show("data_checksums").equals("on"));
  }

  private static void require(ReplicationClient client, String at, String setting, String value)
      throws IOException {
    String actual = client.show(setting);
    if (!actual.equals(value)) {
      throw unsuitable(
          at
              + " was built with %s = %s; Varve follows servers with %s"
                  .formatted(setting, actual, value));
    }
  }

  private static int bytes(String size) throws IOException {
    Matcher parts = SIZE.matcher(size);
    if (parts.matches()) {
      long bytes = Long.parseLong(parts.group(1)) << (parts.group(2).equals("GB") ? 30 : 20);
      if (bytes >= SMALLEST_SEGMENT && bytes <= LARGEST_SEGMENT && Long.bitCount(bytes) == 1) {
        return (int) bytes;
      }
    }
    throw unsuitable("the WAL segment size \"" + size + "\" is none that PostgreSQL has");
  }

  private static ConnectionFailedException unsuitable(String sentence) {
    return new ConnectionFailedException(sentence);
  }
}
