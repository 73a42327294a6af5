package dev.varve.server.follow;

import dev.varve.datadir.CommitTimes;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import dev.varve.walreceiver.ReceiverSettings;
import dev.varve.walreceiver.Source;
import dev.varve.walreceiver.TimelineSink;
import dev.varve.walreceiver.WalReceiver;
import dev.varve.walreceiver.WalReceiverStatus;
import dev.varve.walreceiver.replication.ReplicationClient;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/// The WAL receivers of all timelines that follow a server, and what is needed to start them again.
/// Any thread may call any method.
///
/// A source is noted before its replication slot is made, so that a slot can always be found again:
/// should the server be killed during an import, the slot is dropped at the next start, together
/// with the unfinished timeline.
public final class Receivers implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Receivers.class.getName());

  /// How long "now" may take: the source is asked for its LSN, then its WAL must arrive.
  private static final Duration NOW_LIMIT = Duration.ofSeconds(30);

  private final SourceFiles files;
  private final Tenants tenants;
  private final TaskManager tasks;
  private final Map<TimelineId, Source> sources = new ConcurrentHashMap<>();
  private final Map<TimelineId, WalReceiver> receivers = new ConcurrentHashMap<>();

  private Receivers(SourceFiles files, Tenants tenants, TaskManager tasks) {
    this.files = files;
    this.tenants = tenants;
    this.tasks = tasks;
  }

  /// Goes on following what was followed before.
  public static Receivers open(Path data, Tenants tenants, TaskManager tasks) throws IOException {
    var receivers = new Receivers(new SourceFiles(data), tenants, tasks);
    receivers.sources.putAll(receivers.files.readAll());
    for (TimelineId id : receivers.sources.keySet()) {
      Optional<Timeline> timeline =
          tenants.timelines().stream().filter(t -> t.id().equals(id)).findFirst();
      if (timeline.isEmpty()) {
        receivers.dropOrphan(id);
      } else if (!isStopped(timeline.get())) {
        receivers.start(timeline.get());
      }
    }
    return receivers;
  }

  /// An import was cut short: its timeline is gone, its slot must not keep WAL at the source for
  /// ever.
  private void dropOrphan(TimelineId id) {
    tasks.submit(
        TaskSpec.once(
            TaskKind.WAL_RECEIVER,
            "drop the slot of unfinished import " + id,
            _ -> forget(id).ifPresent(warning -> LOG.log(System.Logger.Level.WARNING, warning))));
  }

  /// Notes that a timeline is about to follow a source. Nothing flows before {@link #start}.
  public void note(TimelineId id, Source source) throws IOException {
    files.write(id, source);
    sources.put(id, source);
  }

  /// Begins to follow the source that was noted.
  public void start(Timeline timeline) {
    Source source = sources.get(timeline.id());
    if (source == null) {
      throw new IllegalStateException("no source is noted for " + timeline.name());
    }
    receivers.computeIfAbsent(
        timeline.id(),
        _ ->
            new WalReceiver(
                tasks,
                timeline.name(),
                source,
                () -> TimelineSink.into(current(timeline)).open(),
                ReceiverSettings.standard()));
  }

  /// One that was broken may have been loaded again, and is another object then.
  private Timeline current(Timeline timeline) {
    return tenants.find(timeline.tenant(), timeline.id()).orElse(timeline);
  }

  private static boolean isStopped(Timeline timeline) {
    return timeline.state() instanceof TimelineState.Stopped;
  }

  /// Ends following, and then stops the timeline; the source and its slot stay noted.
  ///
  /// @throws Unavailable when it can't be stopped; it goes on then
  public void stop(Timeline timeline) {
    WalReceiver receiver = receivers.remove(timeline.id());
    if (receiver != null) {
      receiver.close();
    }
    try {
      tenants.stop(timeline);
    } finally {
      if (receiver != null && !isStopped(timeline)) {
        start(timeline);
      }
    }
  }

  /// Lets a stopped timeline go on, and follow its source if it has one.
  public void resume(Timeline timeline) {
    tenants.start(timeline);
    if (sources.containsKey(timeline.id())) {
      start(timeline);
    }
  }

  /// What a timeline's receiver does; empty when it follows nobody.
  public Optional<WalReceiverStatus> status(Timeline timeline) {
    return Optional.ofNullable(receivers.get(timeline.id())).map(WalReceiver::status);
  }

  /// Waits until a timeline has what its source has written by now; one without a source, or that
  /// is stopped, has all there is.
  ///
  /// @return the LSN that it has at least, where a record ends
  /// @throws Unavailable when the source does not answer, or its WAL does not come in time
  public Lsn awaitSource(Timeline timeline) {
    Source source = sources.get(timeline.id());
    if (source == null || isStopped(timeline)) {
      return timeline.lastRecordLsn();
    }
    Lsn present;
    try (ReplicationClient client = ReplicationClient.connect(source.connection())) {
      present = client.identifySystem().flushed();
    } catch (IOException e) {
      throw new Unavailable(
          "the source of %s can't be asked for its present LSN: %s; what Varve has ends at %s, say --at %s to use that"
              .formatted(
                  timeline.name(),
                  e.getMessage(),
                  timeline.lastRecordLsn(),
                  timeline.lastRecordLsn()),
          e);
    }
    awaitRecord(timeline, present);
    return timeline.lastRecordLsn();
  }

  /// Waits for the last record that ends at or before an LSN of the source. The source's own LSN
  /// may lie behind the last record's end by a page header, which is no record: so it is enough to
  /// have received up to there.
  private void awaitRecord(Timeline timeline, Lsn present) {
    long deadline = System.nanoTime() + NOW_LIMIT.toNanos();
    while (timeline.lastRecordLsn().isBefore(present)) {
      WalReceiver receiver = receivers.get(timeline.id());
      Lsn received = receiver == null ? Lsn.ZERO : receiver.status().received();
      if (!received.isBefore(present)) {
        return;
      }
      if (isStopped(timeline) || System.nanoTime() - deadline > 0) {
        throw new Unavailable(
            "%s is at %s and its source at %s; the WAL between did not come within %d s. varve show %s says why"
                .formatted(
                    timeline.name(),
                    timeline.lastRecordLsn(),
                    present,
                    NOW_LIMIT.toSeconds(),
                    timeline.name()));
      }
      try {
        timeline.awaitLsn(present, Duration.ofMillis(20));
      } catch (Unavailable _) {
        // Not yet: look again whether it was received, and at the clock.
      }
    }
  }

  /// The LSN at which a timeline was as of a moment. What its source wrote up to now is waited for
  /// first, unless a later commit is here already.
  public Lsn lsnAt(Timeline timeline, Instant moment) {
    return times(timeline, moment).at(moment);
  }

  /// How a moment lies to a timeline's commits; waits as {@link #lsnAt} does.
  public CommitTimes.Place find(Timeline timeline, Instant moment) {
    return times(timeline, moment).find(moment);
  }

  private CommitTimes times(Timeline timeline, Instant moment) {
    var known = new CommitTimes(timeline);
    if (known.last().filter(commit -> commit.time().isAfter(moment)).isPresent()) {
      return known;
    }
    awaitSource(timeline);
    return new CommitTimes(timeline);
  }

  /// Ends following and forgets the source, and drops the slot there.
  ///
  /// @return a warning, when the slot could not be dropped
  public Optional<String> forget(TimelineId id) {
    WalReceiver receiver = receivers.remove(id);
    if (receiver != null) {
      receiver.close();
    }
    Source source = sources.remove(id);
    if (source == null) {
      return Optional.empty();
    }
    Optional<String> warning = dropSlot(source);
    try {
      files.delete(id);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "the note on a source could not be deleted", e);
    }
    return warning;
  }

  private static Optional<String> dropSlot(Source source) {
    String slot = source.slot().orElseThrow();
    try (ReplicationClient client = ReplicationClient.connect(source.connection())) {
      client.dropSlot(slot);
      return Optional.empty();
    } catch (dev.varve.walreceiver.libpq.ServerErrorException e) {
      if (e.sqlState().equals("42704")) {
        return Optional.empty();
      }
      return Optional.of(leftover(slot, source, e));
    } catch (IOException e) {
      return Optional.of(leftover(slot, source, e));
    }
  }

  private static String leftover(String slot, Source source, IOException failure) {
    return "the replication slot %s at %s could not be dropped (%s) and keeps WAL there; drop it with: SELECT pg_drop_replication_slot('%s')"
        .formatted(slot, source.connection(), failure.getMessage(), slot);
  }

  /// Deletes a timeline; its slot, too, if it follows a server.
  ///
  /// @return a warning, when the slot could not be dropped
  public Optional<String> delete(Timeline timeline) {
    boolean hasBranches =
        tenants.timelines().stream()
            .filter(t -> !(t.state() instanceof TimelineState.Deleting))
            .anyMatch(t -> t.ancestor().filter(timeline.id()::equals).isPresent());
    // One with branches is refused below, and must go on following.
    Optional<String> warning = hasBranches ? Optional.empty() : forget(timeline.id());
    tenants.delete(timeline);
    return warning;
  }

  /// Has all of a tenant uploaded, and then deletes it here; its timelines follow nobody any more.
  ///
  /// @return warnings, about slots that could not be dropped
  public List<String> detach(TenantId tenant, Duration limit) {
    List<Timeline> timelines =
        tenants.timelines().stream().filter(t -> t.tenant().equals(tenant)).toList();
    for (Timeline timeline : timelines) {
      WalReceiver receiver = receivers.remove(timeline.id());
      if (receiver != null) {
        receiver.close();
      }
    }
    boolean lost = timelines.stream().anyMatch(t -> t.state() instanceof TimelineState.Lost);
    try {
      tenants.detach(tenant, limit);
    } catch (PageserverException e) {
      timelines.stream()
          .filter(t -> sources.containsKey(t.id()) && !isStopped(t))
          .forEach(this::start);
      throw e;
    }
    // Whoever has taken the tenant over may use the slots.
    return lost ? List.of() : timelines.stream().flatMap(t -> forget(t.id()).stream()).toList();
  }

  @Override
  public void close() {
    receivers.values().forEach(WalReceiver::close);
  }
}
