package dev.varve.server.follow;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException.Conflict;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TimelineId;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import dev.varve.walreceiver.Preflight;
import dev.varve.walreceiver.Source;
import dev.varve.walreceiver.SourceFacts;
import dev.varve.walreceiver.WalReceiverStatus;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.replication.ReplicationClient;
import dev.varve.walreceiver.replication.SlotState;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/// Has a timeline that is here follow a running server: one that came from the object store or from
/// a base backup, and so follows nobody, or one whose source is to be reached otherwise than it
/// was. Any thread may call any method.
///
/// What can be asked is asked before anything is changed. Then the source is noted, its slot is
/// made if it is not there, and the receiver begins: whether the source still has the WAL that
/// comes next, only the stream itself shows. If it has not, all becomes as it was.
public final class Following {

  private static final String APPLICATION = "varve";

  /// How long the first WAL may take to come. If it takes longer, the receiver goes on.
  private static final Duration FIRST_WAL = Duration.ofSeconds(10);

  /// After so long a failure does not pass at once, such as that the slot is still in use by the
  /// receiver before.
  private static final Duration PASSING = Duration.ofSeconds(2);

  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  private final Receivers receivers;
  private final Set<TimelineId> underWay = ConcurrentHashMap.newKeySet();

  public Following(Receivers receivers) {
    this.receivers = receivers;
  }

  /// Begins to follow; on return WAL comes, or what keeps it from coming is in the receiver's
  /// status, and is tried again: such as a slot that the server still uses that had the timeline
  /// before.
  ///
  /// @throws InvalidRequest when the timeline has a history of its own, or the server is of another
  ///   cluster
  /// @throws Conflict when the timeline is not active, or the server can't go on where it ends;
  ///   nothing has changed then
  /// @throws Unavailable when the server can't be asked, or refuses; nothing has changed then
  public void follow(Timeline timeline, ConnectionInfo given) {
    requireActive(timeline);
    if (timeline.ancestor().isPresent()) {
      throw new InvalidRequest(
          "\"%s\" is a branch, whose history is its own since %s: no server has the WAL that follows"
              .formatted(timeline.name(), timeline.ancestorLsn()));
    }
    if (!underWay.add(timeline.id())) {
      throw new Conflict("\"" + timeline.name() + "\" is told to follow a server just now");
    }
    ConnectionInfo connection = given.withDefaultApplicationName(APPLICATION);
    try (ReplicationClient client = ReplicationClient.connect(connection)) {
      SourceFacts facts = Preflight.check(client);
      requireSameCluster(timeline, facts, client);
      begin(timeline, connection, client, facts);
    } catch (IOException e) {
      throw new Unavailable(
          "\"%s\" can't follow that server: %s".formatted(timeline.name(), e.getMessage()), e);
    } finally {
      underWay.remove(timeline.id());
    }
  }

  private static void requireActive(Timeline timeline) {
    switch (timeline.state()) {
      case TimelineState.Active _, TimelineState.Failing _ -> {}
      case TimelineState.Importing _ ->
          throw new Conflict("\"" + timeline.name() + "\" is still being imported");
      case TimelineState.Stopped _ ->
          throw new Conflict(
              "\"%s\" is stopped; varve start %s lets it go on"
                  .formatted(timeline.name(), timeline.name()));
      case TimelineState.Broken(String reason) ->
          throw new Conflict("\"" + timeline.name() + "\" is broken: " + reason);
      case TimelineState.Lost(String reason) -> throw new Conflict(reason);
      case TimelineState.Deleting _ ->
          throw new Conflict("\"" + timeline.name() + "\" is being deleted");
    }
  }

  private static void requireSameCluster(
      Timeline timeline, SourceFacts facts, ReplicationClient client) {
    String own = timeline.identity().properties().get(Receivers.SYSTEM_IDENTIFIER);
    String theirs = facts.identity().systemIdText();
    if (!theirs.equals(own)) {
      throw new InvalidRequest(
          "the PostgreSQL at %s is another cluster (system identifier %s) than \"%s\" is of (%s); give the one that was imported"
              .formatted(client.host(), theirs, timeline.name(), own == null ? "unknown" : own));
    }
    if (facts.major() != timeline.pgVersion()) {
      throw new InvalidRequest(
          "the PostgreSQL at %s is version %d, and \"%s\" is of version %d; import it again"
              .formatted(client.host(), facts.major(), timeline.name(), timeline.pgVersion()));
    }
  }

  private void begin(
      Timeline timeline, ConnectionInfo connection, ReplicationClient client, SourceFacts facts)
      throws IOException {
    TimelineId id = timeline.id();
    String slot = Slots.name(id);
    var source =
        new Source(connection, Optional.of(slot), facts.identity().systemId(), facts.major());
    Optional<Source> before = receivers.suspend(id);
    boolean made = false;
    try {
      receivers.note(id, source);
      made = Slots.make(client, slot);
      Optional<Lsn> kept = kept(client, slot);
      Lsn end = timeline.lastRecordLsn();
      receivers.start(timeline);
      awaitWal(timeline, end, facts, client, kept);
    } catch (IOException | RuntimeException e) {
      undo(timeline, before, made ? Optional.of(source) : Optional.empty(), e);
      throw e;
    }
  }

  /// From where the source keeps WAL; PostgreSQL 14 does not say.
  private static Optional<Lsn> kept(ReplicationClient client, String slot) throws IOException {
    return client.major() < 15
        ? Optional.empty()
        : client.readSlot(slot).flatMap(SlotState::restartLsn);
  }

  /// Waits until WAL has come, if there is some that we lack. A failure that may pass is left to
  /// the receiver.
  ///
  /// @param end of what the timeline had before
  private void awaitWal(
      Timeline timeline, Lsn end, SourceFacts facts, ReplicationClient client, Optional<Lsn> kept) {
    long began = System.nanoTime();
    while (System.nanoTime() - began < FIRST_WAL.toNanos()) {
      WalReceiverStatus status =
          receivers
              .status(timeline)
              .orElseThrow(
                  () -> new Conflict("\"" + timeline.name() + "\" was stopped before it followed"));
      switch (status.state()) {
        case BLOCKED ->
            throw new Conflict(
                "\"%s\" ends at %s, and the PostgreSQL at %s, which is at %s%s, can't go on from there: %s"
                    .formatted(
                        timeline.name(),
                        end,
                        client.host(),
                        facts.identity().flushed(),
                        kept.map(lsn -> " and keeps its WAL from " + lsn + " on").orElse(""),
                        status.lastError()));
        case RETRYING -> {
          if (System.nanoTime() - began > PASSING.toNanos()) {
            return;
          }
        }
        case STREAMING -> {
          boolean hasAll = !status.received().isBefore(facts.identity().flushed());
          if (hasAll || timeline.lastRecordLsn().isAfter(end)) {
            return;
          }
        }
        case CONNECTING, STOPPED -> {}
      }
      LockSupport.parkNanos(LOOK_AGAIN.toNanos());
      if (Thread.currentThread().isInterrupted()) {
        throw new Unavailable("the server shuts down");
      }
    }
  }

  /// Has all as it was before.
  ///
  /// @param made what a slot was made for
  private void undo(
      Timeline timeline, Optional<Source> before, Optional<Source> made, Exception because) {
    receivers.suspend(timeline.id());
    made.flatMap(Slots::drop).ifPresent(warning -> because.addSuppressed(new IOException(warning)));
    try {
      if (before.isPresent()) {
        receivers.note(timeline.id(), before.get());
        receivers.start(timeline);
      } else {
        receivers.abandon(timeline.id());
      }
    } catch (IOException e) {
      because.addSuppressed(e);
    }
  }
}
