package dev.varve.server.follow;

import dev.varve.model.TimelineId;
import dev.varve.walreceiver.Source;
import dev.varve.walreceiver.libpq.ServerErrorException;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// The replication slots that keep WAL for timelines at their sources. Any thread may call any
/// method.
public final class Slots {

  private static final String DUPLICATE = "42710";
  private static final String NO_SUCH = "42704";
  private static final String IN_USE = "55006";

  /// How often, and how long apart, it is tried to drop one that is still in use: a walsender takes
  /// a moment to find out that its client has gone.
  private static final int ATTEMPTS = 50;

  private static final Duration PAUSE = Duration.ofMillis(100);

  private Slots() {}

  /// The one that a timeline has, whichever server follows its source.
  public static String name(TimelineId id) {
    return "varve_" + id.toString().substring(0, 16);
  }

  /// Makes one, if it is not there.
  ///
  /// @return false when it was there
  static boolean make(ReplicationClient client, String slot) throws IOException {
    try {
      client.createPhysicalSlot(slot, false);
      return true;
    } catch (ServerErrorException e) {
      if (e.sqlState().equals(DUPLICATE)) {
        return false;
      }
      throw e;
    }
  }

  /// Drops a source's one, if it is there.
  ///
  /// @return a warning, when that could not be done
  static Optional<String> drop(Source source) {
    String slot = source.slot().orElseThrow();
    try (ReplicationClient client = ReplicationClient.connect(source.connection())) {
      drop(client, slot);
      return Optional.empty();
    } catch (IOException e) {
      return Optional.of(
          "the replication slot %s at %s could not be dropped (%s) and keeps WAL there; drop it with: SELECT pg_drop_replication_slot('%s')"
              .formatted(slot, source.connection(), e.getMessage(), slot));
    }
  }

  private static void drop(ReplicationClient client, String slot) throws IOException {
    for (int attempt = 1; ; attempt++) {
      try {
        client.dropSlot(slot);
        return;
      } catch (ServerErrorException e) {
        if (e.sqlState().equals(NO_SUCH)) {
          return;
        }
        if (!e.sqlState().equals(IN_USE) || attempt == ATTEMPTS) {
          throw e;
        }
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    }
  }
}
