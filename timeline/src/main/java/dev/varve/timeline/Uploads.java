package dev.varve.timeline;

import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.Outages;
import dev.varve.remote.PutCondition;
import dev.varve.remote.generation.Generation;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/// Has the object store follow the index part of a timeline. There is no queue of what is to be
/// done, and nothing of it on disk: a task compares what the store has with what it should have,
/// when enough has changed or somebody asks, and does what is missing, in this order:
///
/// 1. It takes the index part that is durable here, and holds its files, so that they stay while
///    they are read. What compaction drops before that is never uploaded.
/// 2. It puts the layers that the store does not have, several at once.
/// 3. It puts the index part: so an index part in the store names only what is there.
/// 4. It asks the authority whether the generation is still the newest. If so, whoever attaches the
///    tenant from now on finds this index part or a later one, and only now `remote_consistent_lsn`
///    is seen to advance.
/// 5. It deletes the layers that no index part names any more, and that nobody reads: a read that
///    goes on may need those whose files are not here. {@link DurableIndex#newName} never gives
///    their names again, so it does not matter how late that happens.
///
/// What a crash interrupts is compared anew: the index part of the store says what is there.
/// Objects that were put for an index part that then was not, or that were not deleted, are
/// nobody's; the scrubber finds them. While the store can't be reached, the task backs off and
/// tries again; nothing else waits for it.
final class Uploads {

  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(1));

  /// Of one timeline; the store's own limit is for all together.
  private static final int LAYERS_AT_ONCE = 4;

  private static final Duration MERGE_LIMIT = Duration.ofMinutes(5);

  private final Timeline timeline;
  private final DurableIndex index;
  private final RemoteTenants tenants;
  private final RemoteTenant tenant;
  private final Shared shared;
  private final UploadProgress progress;
  private final Task task;

  /// Fires when an attempt has ended.
  private final Signal attempts = new Signal();

  /// The uploads of a timeline; null where there is no object store.
  static @Nullable Uploads of(Timeline timeline, DurableIndex index, Shared shared) {
    RemoteTenants remote = shared.remote();
    if (remote == null) {
      return null;
    }
    var uploads = new Uploads(timeline, index, remote, shared);
    uploads.tenant.add(uploads);
    return uploads;
  }

  private Uploads(Timeline timeline, DurableIndex index, RemoteTenants tenants, Shared shared) {
    this.timeline = timeline;
    this.index = index;
    this.tenants = tenants;
    tenant = tenants.of(timeline.tenant());
    this.shared = shared;
    progress =
        new UploadProgress(
            TimelineKey.of(timeline.identity()), tenant.settings(), index.maps()::isLeaving);
    task =
        shared
            .tasks()
            .submit(
                TaskSpec.onDemand(TaskKind.UPLOAD, "upload " + timeline.name(), BACKOFF, _ -> run())
                    .silentOf(Outages::isTold));
  }

  TimelineId id() {
    return timeline.id();
  }

  /// What the manifest should say; empty while the timeline is imported, or when it is not known.
  Optional<TimelineIdentity> identity() {
    boolean counts = index.head().imported() && timeline.pgVersion() != 0;
    return counts ? Optional.of(timeline.identity()) : Optional.empty();
  }

  /// The timeline was made just now.
  void setNew() {
    progress.setNew(now());
    tenant.wake();
  }

  /// The index part has changed; nobody sees it yet, so who then asks has it, too. In the lane.
  void note(IndexPart before, IndexPart after) {
    progress.change(before, after, now());
  }

  /// What was noted can be seen. In the timeline's lane.
  void change(IndexPart before, IndexPart after) {
    if (after.imported() && !before.imported()) {
      progress.ask();
      tenant.wake();
    }
    wakeIfDue();
  }

  /// To be called from time to time, too: what has changed little is uploaded after a while.
  void wakeIfDue() {
    if (mayGo() && progress.isDue(now())) {
      task.wake();
    }
  }

  /// Has all that has changed by now uploaded soon.
  void ask() {
    progress.ask();
    wakeIfDue();
  }

  /// Asks for it and waits, without heed to delays after failures.
  ///
  /// @return false when it was not done in time, or can't be
  boolean await(Instant deadline) throws InterruptedException {
    progress.ask();
    tenant.hurry();
    if (mayGo() && progress.isDue(now())) {
      task.hurry();
    }
    while (true) {
      CompletableFuture<Boolean> next = attempts.next();
      if (progress.isDone()) {
        return true;
      }
      Duration left = Duration.between(now(), deadline);
      if (!left.isPositive() || tenant.lost() != null || timeline.condition().isEnding()) {
        return false;
      }
      shared.tasks().await(next, left);
    }
  }

  /// Whether the tenant is this node's, as far as is known.
  boolean isAttached() {
    return tenant.isAttached();
  }

  /// Whether a layer's file may go, as {@link UploadProgress#isSafe} says.
  boolean isSafe(LayerEntry entry) {
    return progress.isSafe(entry);
  }

  /// Whether it is known what the store has.
  boolean isKnown() {
    return progress.isKnown();
  }

  /// Whether the store has a layer.
  boolean isThere(LayerEntry entry) {
    return progress.isThere(entry);
  }

  UploadState state() {
    return progress.state(isUsable(), tenant.failure(), tenant.lost());
  }

  /// Whether whoever attaches the tenant can use what it finds of the timeline: of all that it was
  /// branched from something is in the store.
  private boolean isUsable() {
    for (Timeline at = timeline.ancestorTimeline(); at != null; at = at.ancestorTimeline()) {
      Uploads uploads = at.index().uploads();
      if (uploads == null || uploads.progress.proven().equals(Lsn.ZERO)) {
        return false;
      }
    }
    return true;
  }

  /// The node has the tenant no more.
  void lose(String reason) {
    timeline.condition().setLost(reason);
    timeline.reader().lastRecord().end(reason);
    attempts.fire();
  }

  private Instant now() {
    return shared.tasks().clock().instant();
  }

  private boolean mayGo() {
    Condition condition = timeline.condition();
    return tenant.isAttached()
        && index.head().imported()
        && !condition.isBroken()
        && !condition.isEnding()
        && !task.isCancelled();
  }

  private void run() throws IOException, InterruptedException {
    try {
      boolean more = true;
      while (more && mayGo() && progress.isDue(now())) {
        more = step();
      }
      if (more) {
        progress.setFailure(null);
      }
    } catch (IOException | RuntimeException e) {
      timeline.condition().damaged().note(e);
      progress.setFailure(FailureText.of(e));
      throw e;
    } finally {
      attempts.fire();
    }
  }

  /// @return false when something else has to be done first, which wakes the task when it is
  private boolean step() throws IOException, InterruptedException {
    if (!progress.isKnown()) {
      learn();
      return true;
    }
    if (progress.isUploadDue(now())) {
      if (progress.isUnhurried()) {
        timeline.compaction().mergeFlushed(MERGE_LIMIT);
      }
      if (!upload()) {
        return false;
      }
    }
    prove();
    return true;
  }

  private void learn() throws IOException, InterruptedException {
    TimelineKey key = TimelineKey.of(timeline.identity());
    Generation own = tenant.generation();
    Generation likely = tenant.hasPut(key.id()) ? own : tenant.previous();
    StoredIndex found = StoredIndex.find(tenant.storage(), key, likely, own);
    shared.inLane(
        "compare " + timeline.name() + " with the object store",
        index.lane(),
        () -> {
          IndexPart local = index.current();
          if (found != null) {
            requireOlder(found, local);
          }
          progress.learn(found, local, now());
          return local;
        });
  }

  /// A data directory that was put back from a copy must not undo what was done since.
  private void requireOlder(StoredIndex found, IndexPart local) throws UnusableFileException {
    IndexPart stored = found.part();
    if (stored.diskConsistentLsn().isAfter(local.diskConsistentLsn())
        || stored.nextCopy() > local.nextCopy()) {
      throw new UnusableFileException(
          "%s is newer than the index part in %s, which must be of a copy: %s is after %s; move the tenant's directory away while the server is down, and attach the tenant"
              .formatted(
                  StoredIndex.name(TimelineKey.of(timeline.identity()), found.generation())
                      .object(),
                  index.files().directory(),
                  stored.diskConsistentLsn(),
                  local.diskConsistentLsn()));
    }
  }

  /// @return false when the manifest has to be put first
  private boolean upload() throws IOException, InterruptedException {
    boolean wasAtRest = index.maps().peek().isAtRest();
    try {
      if (tenant.isCurrent()) {
        index.maps().stayAwake(); // else another object could delete a file that is held here
        try {
          return uploadAwake();
        } finally {
          index.maps().mayRest();
        }
      }
      tenant.wake();
      return false;
    } finally {
      if (wasAtRest && mayGo()) {
        timeline.upkeep().rest();
      }
    }
  }

  private boolean uploadAwake() throws IOException, InterruptedException {
    try (var held = new HeldLayers()) {
      UploadProgress.Taken taken = take(held);
      if (!tenant.isCurrent()) { // now that the part is taken: see there
        tenant.wake();
        return false;
      }
      String name = "upload layers of " + timeline.name();
      new Parallel<HistoricLayer>(shared.tasks(), name, LAYERS_AT_ONCE, held.layers(), this::put)
          .run();
      if (isAllThere(taken.part())) {
        put(taken);
      }
      return true;
    } finally {
      progress.end();
    }
  }

  /// The map itself is not held: what is in memory has to go when it is flushed.
  private UploadProgress.Taken take(HeldLayers held) {
    return shared.inLane(
        "take the index part of " + timeline.name(),
        index.lane(),
        () -> {
          UploadProgress.Taken taken = progress.take(index.whole());
          int missing = taken.missing().size();
          LayerMap map = index.maps().acquire();
          try {
            for (HistoricLayer file : map.historic().overlapping(KeyRange.ALL)) {
              if (taken.missing().contains(progress.object(file.entry())) && held.add(file)) {
                missing--;
              }
            }
          } finally {
            map.release();
          }
          if (missing != 0) {
            throw new PageserverException.Unavailable(
                missing + " layers of \"" + timeline.name() + "\" can't be held to be uploaded");
          }
          return taken;
        });
  }

  private void put(HistoricLayer layer) throws IOException, InterruptedException {
    LayerEntry entry = layer.entry();
    ObjectName name = progress.object(entry).object();
    if (LayerPut.run(tenant.storage(), name, entry, index.files(), timeline.condition())) {
      timeline.metrics().bytesUploaded.add(entry.bytes());
    }
    progress.layerPut(entry, now());
  }

  /// Looks at what was put long ago, and not named since; false: some of it is to be put again.
  private boolean isAllThere(IndexPart part) throws IOException, InterruptedException {
    boolean all = true;
    for (LayerEntry entry : progress.longUnnamed(part, now())) {
      if (!LayerPut.isStored(tenant.storage(), progress.object(entry).object(), entry)) {
        progress.layerGone(entry);
        all = false;
      }
    }
    return all;
  }

  private void put(UploadProgress.Taken taken) throws IOException, InterruptedException {
    byte[] bytes = CheckedJson.bytes(IndexJson.write(taken.part()));
    Generation generation = tenant.generation();
    ObjectName name = StoredIndex.name(TimelineKey.of(timeline.identity()), generation).object();
    tenant.storage().put(name, Content.of(bytes), PutCondition.ALWAYS, RemoteTenant.PUT);
    tenant.notePut(timeline.id());
    progress.indexPut(taken, generation, now());
    timeline.metrics().bytesUploaded.add(bytes.length);
  }

  private void prove() throws IOException, InterruptedException {
    Lsn lsn = progress.put();
    if (progress.isProofDue() && tenant.validate()) {
      progress.prove(lsn);
      tenants.uploaded();
      List<RemoteName> obsolete = progress.obsolete();
      if (tenant.delete(obsolete.stream().map(RemoteName::object).toList())) {
        progress.deleted(obsolete);
      }
    }
  }

  /// Ends what goes on.
  void close() throws InterruptedException {
    task.cancel();
    while (!shared.tasks().await(task.end(), Duration.ofMinutes(1))) {}
    tenant.remove(this);
  }
}
