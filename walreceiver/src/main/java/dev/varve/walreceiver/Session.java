package dev.varve.walreceiver;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.backup.TimelineHistory;
import dev.varve.postgres.backup.WalPath;
import dev.varve.walreceiver.libpq.ProtocolException;
import dev.varve.walreceiver.libpq.ServerErrorException;
import dev.varve.walreceiver.replication.NextTimeline;
import dev.varve.walreceiver.replication.ReplicationClient;
import dev.varve.walreceiver.replication.ReplicationStream;
import dev.varve.walreceiver.replication.SystemIdentity;
import dev.varve.walreceiver.replication.WalHandler;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One connection to the source and one sink: WAL goes across until one of them ends.
///
/// The source is told a flush position only to let go of WAL, and told right after it that there is
/// none. A standby that has none is no synchronous one: with `synchronous_standby_names = '*'` each
/// commit there would wait until its WAL is in a layer file here, which may be minutes. Nor does a
/// source that shuts down wait for that: it may go once it has sent all, and its slot keeps the
/// WAL.
///
/// {@link #run} is of the receiver's thread; the other methods of any.
final class Session implements WalHandler, AutoCloseable {

  /// The flush position of a client that does not tell it.
  private static final long NOT_SAID = 0;

  private final Source source;
  private final ReplicationClient client;
  private final WalSink sink;
  private final InstantSource clock;
  private volatile @Nullable ReplicationStream stream;
  private volatile long received;
  private volatile long sourceEnd;
  private volatile long reportedFlush;
  private volatile Instant heard;

  Session(Source source, ReplicationClient client, WalSink sink, InstantSource clock) {
    this.source = source;
    this.client = client;
    this.sink = sink;
    this.clock = clock;
    received = sink.start();
    heard = clock.instant();
  }

  /// Streams until the connection or the sink fails.
  ///
  /// @param streaming told when WAL begins to flow, and again on each new PostgreSQL timeline
  /// @throws BlockedException when the source can't go on where we are
  void run(Duration silence, Runnable streaming) throws IOException {
    SystemIdentity identity = client.identifySystem();
    check(identity);
    Lsn start = new Lsn(received);
    WalPath path = path(identity.timeline());
    int before = sink.tli();
    if (!path.contains(before, start)) {
      boolean older = Integer.compareUnsigned(identity.timeline(), before) < 0;
      throw new BlockedException(
          "the source's history has no WAL of PostgreSQL timeline %s up to %s: %s"
              .formatted(
                  Integer.toUnsignedString(before),
                  start,
                  older
                      ? "it is still on an older one; give the server that took over from it"
                      : "it was promoted before that; import it again"));
    }
    int timeline = path.tliAt(start);
    while (true) {
      Optional<NextTimeline> next = stream(timeline, silence, streaming);
      if (next.isEmpty()) {
        throw new IOException("the source ended the stream; it is shutting down");
      }
      timeline = next.get().timeline();
      if (next.get().start().value() != received) {
        throw new ProtocolException(
            "PostgreSQL timeline %d begins at %s and not at %s, where the last one ended"
                .formatted(timeline, next.get().start(), Lsn.format(received)));
      }
    }
  }

  private void check(SystemIdentity identity) throws BlockedException {
    if (identity.systemId() != source.systemId()) {
      throw new BlockedException(
          "the PostgreSQL at %s is another cluster (system identifier %s, not %s); give the one that was imported"
              .formatted(
                  client.host(),
                  identity.systemIdText(),
                  Long.toUnsignedString(source.systemId())));
    }
    if (client.major() != source.major()) {
      throw new BlockedException(
          "the PostgreSQL at %s is now version %d, and the timeline's is %d; import it again"
              .formatted(client.host(), client.major(), source.major()));
    }
  }

  private WalPath path(int timeline) throws IOException {
    if (timeline == 1) {
      return WalPath.of(1);
    }
    byte[] file = client.timelineHistory(timeline).content().getBytes(StandardCharsets.UTF_8);
    try {
      return new WalPath(TimelineHistory.parse(file), timeline);
    } catch (PageserverException.DataCorrupted e) {
      throw new ProtocolException("the source sent a history file that is none: " + e.getMessage());
    }
  }

  private Optional<NextTimeline> stream(int timeline, Duration silence, Runnable streaming)
      throws IOException {
    try {
      Optional<ReplicationStream> begun =
          client.startReplication(source.slot(), new Lsn(received), timeline);
      if (begun.isEmpty()) {
        throw new ProtocolException("the source has nothing on PostgreSQL timeline " + timeline);
      }
      stream = begun.get();
      streaming.run();
      report(false);
      return begun.get().run(this, silence);
    } catch (ServerErrorException e) {
      throw blocks(e) ? new BlockedException(explain(e)) : e;
    } finally {
      stream = null;
    }
  }

  /// A slot that is missing or lost, WAL that was removed.
  private static boolean blocks(ServerErrorException e) {
    return switch (e.sqlState()) {
      case "42704", "58P01", "55000" -> true;
      default -> false;
    };
  }

  private String explain(ServerErrorException e) {
    return switch (e.sqlState()) {
      case "42704" ->
          "the source has no replication slot %s any more and may have removed WAL after %s; if it has not, varve follow makes the slot again, else import again (%s)"
              .formatted(source.slot().orElse(""), Lsn.format(received), e.getMessage());
      case "58P01" ->
          "the source has removed the WAL at %s that comes next; import it again (%s)"
              .formatted(Lsn.format(received), e.getMessage());
      default -> String.valueOf(e.getMessage());
    };
  }

  @Override
  public void wal(long lsn, MemorySegment bytes, long offset, int length) {
    sink.feed(lsn, bytes, offset, length);
    received = lsn + length;
  }

  @Override
  public void heard(long serverEnd, boolean replyRequested) throws IOException {
    sourceEnd = serverEnd;
    heard = clock.instant();
    if (replyRequested) {
      report(false);
    }
  }

  /// Tells the source how far we are; without effect before the stream has begun.
  void report(boolean replyRequested) throws IOException {
    ReplicationStream now = stream;
    if (now != null) {
      long flushed = sink.flushed();
      if (flushed != reportedFlush) {
        // No more than that, or it would speak for commits that wait for a standby to receive them.
        now.sendStatus(flushed, flushed, flushed, false);
        reportedFlush = flushed;
      }
      now.sendStatus(received, NOT_SAID, sink.applied(), replyRequested);
    }
  }

  /// Does so, and asks for a word if the source has been silent for long.
  void reportNow(Duration silence) throws IOException {
    report(Duration.between(heard, clock.instant()).compareTo(silence.dividedBy(3)) > 0);
  }

  long applied() {
    return sink.applied();
  }

  Lsn received() {
    return new Lsn(received);
  }

  Lsn sourceEnd() {
    return new Lsn(sourceEnd);
  }

  Lsn reportedFlush() {
    return new Lsn(reportedFlush);
  }

  Instant lastHeard() {
    return heard;
  }

  /// Ends the connection; {@link #run} ends with it.
  @Override
  public void close() {
    client.close();
  }
}
