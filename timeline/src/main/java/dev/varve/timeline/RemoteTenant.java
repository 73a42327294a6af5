package dev.varve.timeline;

import static java.lang.System.Logger.Level.ERROR;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.ObjectPage;
import dev.varve.remote.ObjectState;
import dev.varve.remote.ObjectStore;
import dev.varve.remote.Outages;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.StoreException;
import dev.varve.remote.Urgency;
import dev.varve.remote.generation.Generation;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskManager;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/// A tenant in the object store: its generation, its {@link TenantManifest}, and what is left there
/// of timelines that were deleted. {@link Uploads} has what is of one timeline. Any thread may call
/// any method.
///
/// One task does it all, and is woken when something has changed: it compares what should be with
/// what is, so there is no queue that a crash could lose.
///
/// 1. It has the tenant {@linkplain Attachment attached}: from then on there is a generation.
/// 2. It puts the manifest, if it is not as it should be. Index parts wait for that ({@link
///    #isCurrent}). So a new timeline is named before it has objects that count; and a deleted one
///    is named no more before an index part of its ancestor is there that lacks what only the
///    deleted one needed.
/// 3. It deletes what the store has of timelines that were deleted. That they were, their empty
///    directories say until it is done, whatever crash comes between; the manifest does not name
///    them by then, so nobody else looks for these objects.
///
/// Before anything is deleted the authority is asked whether the generation is still the newest. If
/// it is not, the tenant is *lost*: another node has it, and here nothing more is put or deleted,
/// and reads are refused.
final class RemoteTenant {

  private static final System.Logger LOG = System.getLogger(RemoteTenant.class.getName());

  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), Duration.ofMinutes(1));

  static final RemoteCall PUT = new RemoteCall(Urgency.UPLOAD, 4, Duration.ofMinutes(10));
  static final RemoteCall DELETE = new RemoteCall(Urgency.BACKGROUND, 4, Duration.ofMinutes(2));

  private final TenantId id;
  private final Remote remote;
  private final TenantFiles files;
  private final TaskManager tasks;
  private final Attachment attachment;
  private final Task task;

  /// Guarded by itself; in the order in which they came.
  private final Set<Uploads> timelines = new LinkedHashSet<>();

  private final Set<TimelineId> deleted = ConcurrentHashMap.newKeySet();

  /// Timelines that had objects of this generation and were deleted.
  private final Set<TimelineId> past = ConcurrentHashMap.newKeySet();

  private final Set<TimelineId> indexed = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<Boolean> firstAttempt = new CompletableFuture<>();
  private final Signal attempts = new Signal();

  /// The manifest that the store has, of whatever generation; null: not known yet, or none.
  private volatile @Nullable TenantManifest known;

  /// The manifest that was put in this generation; null: none, or it is not known whether a put
  /// that failed has replaced it.
  private volatile @Nullable TenantManifest put;

  /// Manifests of earlier generations. Of the task.
  private List<ObjectName> obsolete = List.of();

  private volatile boolean begun;
  private volatile @Nullable String lost;
  private volatile @Nullable String failure;

  RemoteTenant(
      TenantId id, Remote remote, TenantFiles files, TenantRecords records, TaskManager tasks) {
    this.id = id;
    this.remote = remote;
    this.files = files;
    this.tasks = tasks;
    attachment = new Attachment(id, remote, records, tasks.clock());
    task =
        tasks.submit(
            TaskSpec.onDemand(TaskKind.UPLOAD, "upload tenant " + id, BACKOFF, _ -> run())
                .silentOf(Outages::isTold));
  }

  TenantId id() {
    return id;
  }

  void begin() {
    begun = true;
    wake();
  }

  void wake() {
    if (begun) {
      task.wake();
    }
  }

  /// As {@link #wake}, for somebody who waits: what has failed is tried again now.
  void hurry() {
    if (begun && failure != null) {
      task.hurry();
    }
  }

  /// Completed when the next attempt has ended.
  CompletableFuture<Boolean> nextAttempt() {
    return attempts.next();
  }

  /// Completed when it has been tried to attach the tenant once.
  CompletableFuture<Boolean> firstAttempt() {
    return firstAttempt;
  }

  RemoteStorage storage() {
    return remote.storage();
  }

  Remote settings() {
    return remote;
  }

  /// What a layer carries that is written now: until the tenant is attached, the generation in
  /// which it was here before. It is no other's, and numbers of layers are not used twice in it
  /// either.
  Generation generation() {
    return attachment.generation();
  }

  /// The generation before this one in which the tenant was here.
  Generation previous() {
    return attachment.previous();
  }

  /// Whether an index part of a timeline was put in this generation.
  boolean hasPut(TimelineId timeline) {
    return indexed.contains(timeline);
  }

  void notePut(TimelineId timeline) {
    indexed.add(timeline);
  }

  /// Why the tenant is not this node's any more, a sentence; null: it is, as far as is known.
  @Nullable String lost() {
    return lost;
  }

  /// Why the last attempt to attach the tenant or to put its manifest failed, a sentence; null: it
  /// did not.
  @Nullable String failure() {
    return failure;
  }

  /// Whether what is uploaded counts.
  boolean isAttached() {
    return attachment.isDone() && lost == null;
  }

  /// A timeline is there from now on.
  void add(Uploads timeline) {
    synchronized (timelines) {
      timelines.add(timeline);
    }
    String reason = lost;
    if (reason != null) {
      timeline.lose(reason);
    }
    wake();
  }

  private List<Uploads> timelines() {
    synchronized (timelines) {
      return List.copyOf(timelines);
    }
  }

  /// A timeline is closed.
  void remove(Uploads timeline) {
    synchronized (timelines) {
      timelines.remove(timeline);
    }
    wake();
  }

  /// A timeline has been deleted, durably. To be called before anything acts on that: from now on
  /// {@link #isCurrent} waits for a manifest without it.
  void setDeleted(TimelineId timeline) {
    past.add(timeline);
    deleted.add(timeline);
    wake();
  }

  /// Whether the store may have something of timelines that were deleted.
  boolean isDeleting() {
    return !deleted.isEmpty();
  }

  /// Whether a timeline was deleted in this generation: another of its id would have objects of the
  /// same names, which a deletion that is late could meet.
  boolean wasDeleted(TimelineId timeline) {
    return past.contains(timeline);
  }

  /// Whether the manifest in the store is what it should be, in this generation. Whoever puts an
  /// index part looks after the part was taken: what is in the part knows of no deletion that this
  /// does not.
  boolean isCurrent() {
    return isAttached() && wanted().equals(put);
  }

  /// Once named, always named, until it is deleted: a timeline that is missing here, or can't be
  /// read, is still in the store.
  private TenantManifest wanted() {
    var all = new TreeMap<String, TimelineIdentity>();
    TenantManifest before = known;
    if (before != null) {
      before.timelines().forEach(identity -> all.put(identity.id().toString(), identity));
    }
    for (Uploads timeline : timelines()) {
      timeline.identity().ifPresent(identity -> all.put(identity.id().toString(), identity));
    }
    deleted.forEach(timeline -> all.remove(timeline.toString()));
    return new TenantManifest(id, List.copyOf(all.values()), attachment.configuration());
  }

  /// What of the timelines is not in the store.
  List<UploadState> states() {
    return timelines().stream().map(Uploads::state).toList();
  }

  private void run() throws IOException, InterruptedException {
    if (lost != null) {
      return;
    }
    try {
      if (!attachment.isDone()) {
        attach();
      }
      if (lost == null) {
        putManifest();
        deleteLeft();
        attachment.noteManifest(); // last: a full disk must not hold up the rest
      }
      failure = null;
    } catch (IOException | RuntimeException e) {
      failure = FailureText.of(e);
      throw e;
    } finally {
      firstAttempt.complete(lost == null);
      attempts.fire();
    }
  }

  private void attach() throws IOException, InterruptedException {
    deleted.addAll(files.deleted(id));
    Optional<String> refusal = attachment.attempt();
    if (refusal.isPresent()) {
      lose(refusal.get());
      return;
    }
    known = attachment.manifest();
    obsolete = attachment.manifests();
  }

  private void putManifest() throws IOException, InterruptedException {
    TenantManifest wanted = wanted();
    if (!wanted.equals(put)) {
      ObjectName name = StoredManifest.name(id, generation());
      put = null;
      storage().put(name, Content.of(wanted.bytes()), PutCondition.ALWAYS, PUT);
      put = wanted;
      known = wanted;
    }
    timelines().forEach(Uploads::wakeIfDue);
    if (delete(obsolete)) {
      obsolete = List.of();
    }
  }

  private void deleteLeft() throws IOException, InterruptedException {
    for (TimelineId timeline : List.copyOf(deleted)) {
      TenantManifest now = put;
      boolean isOut = now != null && !now.names(timeline);
      if (isOut && timelines().stream().noneMatch(one -> one.id().equals(timeline))) {
        deleteObjects(timeline);
        if (lost == null && files.forgetDeleted(new TimelineKey(id, timeline))) {
          deleted.remove(timeline);
        }
      }
    }
  }

  /// Objects that Varve did not name are left to whoever put them there.
  private void deleteObjects(TimelineId timeline) throws IOException, InterruptedException {
    String prefix = RemoteName.inTimeline(id, timeline);
    String after = "";
    while (after != null && lost == null) {
      ObjectPage page = storage().list(prefix, after, DELETE);
      delete(
          page.objects().stream()
              .map(ObjectState::name)
              .filter(name -> RemoteName.parse(name).isPresent())
              .toList());
      after = page.next();
    }
  }

  /// Deletes objects, each batch after the authority has said that it may be. It may be called for
  /// objects that are deleted already.
  ///
  /// @return false when the tenant is lost; then some are left
  boolean delete(List<ObjectName> names) throws IOException, InterruptedException {
    for (int from = 0; from < names.size(); from += ObjectStore.MOST_DELETIONS) {
      if (!validate()) {
        return false;
      }
      int to = Math.min(names.size(), from + ObjectStore.MOST_DELETIONS);
      storage().delete(new ArrayList<>(names.subList(from, to)), DELETE);
    }
    return true;
  }

  /// Asks whether the generation is still the newest: what was put before is then what a node finds
  /// that attaches the tenant later.
  ///
  /// @return false when it is not, and the tenant lost
  boolean validate() throws IOException, InterruptedException {
    if (!isAttached()) {
      return false;
    }
    Generation ours = generation();
    Generation newest = remote.generations().newest(List.of(id)).getOrDefault(id, Generation.NONE);
    noteNewest(newest);
    if (newest.compareTo(ours) < 0) {
      throw new StoreException.Refused(
          "tenant %s has generation %s here, but the authority over generations knows of none after %s: it has forgotten some; if no other node has the tenant, restart this one, which gets another"
              .formatted(id, ours, newest));
    }
    return newest.equals(ours);
  }

  /// The authority has said that this is the newest generation. A later one than this node has is
  /// of another node; an earlier one says nothing about who has the tenant.
  void noteNewest(Generation newest) {
    Generation ours = generation();
    if (isAttached() && newest.compareTo(ours) > 0) {
      lose(
          "tenant %s is not this node's any more: it was attached elsewhere after generation %s; varve attach %1$s takes it back"
              .formatted(id, ours));
    }
  }

  private void lose(String reason) {
    synchronized (timelines) { // two tasks may learn it at the same time
      if (lost != null) {
        return;
      }
      lost = reason;
    }
    LOG.log(ERROR, "{0}; nothing more of it is uploaded, deleted or served here", reason);
    timelines().forEach(timeline -> timeline.lose(reason));
  }

  void close() throws InterruptedException {
    task.cancel();
    while (!tasks.await(task.end(), Duration.ofMinutes(1))) {}
  }
}
