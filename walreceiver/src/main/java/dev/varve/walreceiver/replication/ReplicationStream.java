package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;
import dev.varve.walreceiver.libpq.MessageReader;
import dev.varve.walreceiver.libpq.PgConnection;
import dev.varve.walreceiver.libpq.ProtocolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/// WAL as the server writes it, and our status going back.
///
/// | message from the server | fields, big-endian                                           |
/// |-------------------------|--------------------------------------------------------------|
/// | `w` WAL                 | long LSN of the first byte, long end of its WAL, long time, bytes |
/// | `k` keepalive           | long end of its WAL, long time, byte whether it wants a status |
///
/// | message to the server   | fields                                                       |
/// |-------------------------|--------------------------------------------------------------|
/// | `r` status              | long written, long flushed, long applied, long time, byte whether we want an answer |
///
/// Times are microseconds since 2000-01-01. One thread runs the stream; any may send a status.
public final class ReplicationStream {

  private static final long EPOCH_2000 = Instant.parse("2000-01-01T00:00:00Z").getEpochSecond();

  private final PgConnection connection;
  private long position;

  ReplicationStream(PgConnection connection, long start) {
    this.connection = connection;
    position = start;
  }

  /// Hands WAL to the handler until the server's PostgreSQL timeline ends.
  ///
  /// @param silence after how long without any message the connection counts as lost
  /// @return the PostgreSQL timeline that follows; empty when the server just ends, shutting down
  /// @throws IOException when the connection or the handler fails, or the server skips or repeats
  public Optional<NextTimeline> run(WalHandler handler, Duration silence) throws IOException {
    connection.timeout(silence);
    MessageReader message = connection.message();
    while (true) {
      char type = connection.receive();
      switch (type) {
        case 'd' -> take(message, handler);
        case 'c' -> {
          return end();
        }
        // A server that shuts down completes the command without an end of the copy.
        case 'C' -> {
          return Optional.empty();
        }
        default -> throw connection.unexpected(type);
      }
    }
  }

  private void take(MessageReader message, WalHandler handler) throws IOException {
    int kind = message.getByte();
    switch (kind) {
      case 'w' -> {
        long lsn = message.getLong();
        long end = message.getLong();
        message.skip(Long.BYTES);
        int length = message.remaining();
        if (lsn != position) {
          throw new ProtocolException(
              "PostgreSQL at %s sent WAL from %s where %s should follow"
                  .formatted(connection.host(), Lsn.format(lsn), Lsn.format(position)));
        }
        handler.wal(lsn, message.segment(), message.position(), length);
        position += length;
        handler.heard(end, false);
      }
      case 'k' -> {
        long end = message.getLong();
        message.skip(Long.BYTES);
        handler.heard(end, message.getByte() != 0);
      }
      default -> throw connection.unexpected((char) (kind & 0xFF));
    }
  }

  private Optional<NextTimeline> end() throws IOException {
    connection.send('c', new byte[0]);
    Optional<NextTimeline> next = Optional.empty();
    while (true) {
      char type = connection.receive();
      switch (type) {
        case 'T' -> next = ReplicationClient.nextTimeline(connection.rows());
        // The rest of the copy, and completion.
        case 'd', 'c', 'C' -> {}
        case 'Z' -> {
          return next;
        }
        default -> throw connection.unexpected(type);
      }
    }
  }

  /// Tells the server how far we are; it frees the slot's WAL up to `flushed`.
  ///
  /// @param replyRequested whether the server shall answer at once, as a sign of life
  public void sendStatus(long written, long flushed, long applied, boolean replyRequested)
      throws IOException {
    Instant now = Instant.now();
    long micros = (now.getEpochSecond() - EPOCH_2000) * 1_000_000 + now.getNano() / 1000;
    connection.send(
        'd',
        ByteBuffer.allocate(1 + 4 * Long.BYTES + 1)
            .put((byte) 'r')
            .putLong(written)
            .putLong(flushed)
            .putLong(applied)
            .putLong(micros)
            .put((byte) (replyRequested ? 1 : 0))
            .array());
  }
}
