package dev.varve.server.follow;

import dev.varve.datadir.CommitTimes;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.task.Backoff;
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
/// with the unfinished timeline. A note on a timeline that is in the object store stays, and so
/// does its slot: another server may have the timeline, and use the slot, or it may come back here.
public final class Receivers implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Receivers.class.getName());

  /// How long "now" may take: the source is asked for its LSN, then its WAL must arrive.
  private static final Duration NOW_LIMIT = Duration.ofSeconds(30);

  /// Between attempts to learn whether the object store has a timeline.
  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(1));

  /// A property of timelines: which cluster they are of.
  public static final String SYSTEM_IDENTIFIER = "system_identifier";

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
        receivers.judgeOrphan(id);
      } else if (!isStopped(timeline.get())) {
        receivers.start(timeline.get());
      }
    }
    return receivers;
  }

  /// A source is noted of a timeline that is not here. If nobody has the timeline, an import was
  /// cut short, and its slot must not keep WAL at the source for ever.
  private void judgeOrphan(TimelineId id) {
    tasks.submit(
        TaskSpec.once(
                TaskKind.WAL_RECEIVER,
                "look for timeline " + id + ", which is not here, but has a source",
                _ -> judge(id))
            .restarting(BACKOFF));
  }

  private void judge(TimelineId id) {
    // Only timelines without an ancestor follow: their tenants were made for them, with their ids.
    var tenant = new TenantId(id.high(), id.low());
    if (tenants.isStored(tenant, id)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} names the source of a timeline that is in the object store, and not here: it is followed again when tenant {1} is attached here; if that is not to be, delete the file, and drop the replication slot {2} unless another server follows with it",
          files.path(id),
          tenant,
          Slots.name(id));
    } else {
      forget(id).ifPresent(warning -> LOG.log(System.Logger.Level.WARNING, warning));
    }
  }

  /// Notes that a timeline is about to follow a source. Nothing flows before {@link #start}.
  public void note(TimelineId id, Source source) throws IOException {
    files.write(id, source);
    sources.put(id, source);
  }

  /// Begins to follow the source that is noted.
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

  /// Ends following; the source stays noted.
  ///
  /// @return the source; empty when none is noted
  Optional<Source> suspend(TimelineId id) {
    WalReceiver receiver = receivers.remove(id);
    if (receiver != null) {
      receiver.close();
    }
    return Optional.ofNullable(sources.get(id));
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
    Optional<String> warning = suspend(id).flatMap(Slots::drop);
    abandon(id);
    return warning;
  }

  /// Ends following and forgets the source; its slot stays.
  void abandon(TimelineId id) {
    suspend(id);
    if (sources.remove(id) != null) {
      try {
        files.delete(id);
      } catch (IOException e) {
        LOG.log(System.Logger.Level.WARNING, "the note on a source could not be deleted", e);
      }
    }
  }

  /// Deletes a timeline; its slot, too, if it follows a server.
  ///
  /// @return a warning, when the slot could not be dropped
  public Optional<String> delete(Timeline timeline) {
    boolean hasBranches =
        tenants.timelines().stream()
            .filter(t -> !(t.state() instanceof TimelineState.Deleting))
            .anyMatch(t -> t.ancestor().filter(timeline.id()::equals).isPresent());
    // One with branches is refused below, and must go on following. And whoever has taken the
    // tenant over may use the slot.
    boolean isLost = timeline.state() instanceof TimelineState.Lost;
    Optional<String> warning = hasBranches || isLost ? Optional.empty() : forget(timeline.id());
    tenants.delete(timeline);
    if (isLost) {
      abandon(timeline.id());
    }
    return warning;
  }

  /// Takes a tenant over from the object store. What its timelines follow is noted only where they
  /// were before: there they go on.
  public List<Timeline> attach(TenantId tenant) {
    List<Timeline> attached = tenants.attach(tenant);
    attached.stream().filter(timeline -> sources.containsKey(timeline.id())).forEach(this::start);
    return attached;
  }

  /// Has all of a tenant uploaded, and then deletes it here; its timelines follow nobody any more.
  ///
  /// @return warnings, about slots that could not be dropped
  public List<String> detach(TenantId tenant, Duration limit) {
    List<Timeline> timelines =
        tenants.timelines().stream().filter(t -> t.tenant().equals(tenant)).toList();
    timelines.forEach(timeline -> suspend(timeline.id()));
    boolean lost = timelines.stream().anyMatch(t -> t.state() instanceof TimelineState.Lost);
    try {
      tenants.detach(tenant, limit);
    } catch (PageserverException e) {
      timelines.stream()
          .filter(t -> sources.containsKey(t.id()) && !isStopped(t))
          .forEach(this::start);
      throw e;
    }
    if (lost) {
      // Whoever has taken the tenant over may use the slots.
      timelines.forEach(timeline -> abandon(timeline.id()));
      return List.of();
    }
    return timelines.stream().flatMap(timeline -> forget(timeline.id()).stream()).toList();
  }

  @Override
  public void close() {
    receivers.values().forEach(WalReceiver::close);
  }
}
