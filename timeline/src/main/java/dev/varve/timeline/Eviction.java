package dev.varve.timeline;

import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.TenantId;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import dev.varve.remote.Urgency;
import dev.varve.task.Backoff;
import dev.varve.task.Task;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// Deletes layer files that the object store has, so that the disk does not fill up: those that
/// were not used for a while, if the settings say so; and, when the disk is too full or a write has
/// found it full, those of all tenants that were not used for longest. Their layers are read by
/// ranges then.
///
/// Once a minute, and at once when something could not be written, the disk is looked at. What is
/// not in the object store stays, whatever comes ({@link EvictableLayers} says what may go); and
/// while the store does not answer nothing goes, since what is evicted is read from there. If that
/// leaves the disk too full, the state says so.
final class Eviction {

  private static final System.Logger LOG = System.getLogger(Eviction.class.getName());

  private static final Duration PERIOD = Duration.ofMinutes(1);
  private static final Backoff BACKOFF = new Backoff(Duration.ofSeconds(1), PERIOD);

  /// A write that fails has found less room than the file system tells of: this much is freed then
  /// at least.
  private static final long LEAST = 256L << 20;

  /// What the operating system says when a disk, or what a user may have of it, is full.
  private static final List<String> FULL =
      List.of("No space left on device", "Disk quota exceeded");

  private static final RemoteCall PROBE =
      RemoteCall.once(Duration.ofSeconds(10), Urgency.BACKGROUND);

  private final Path data;
  private final CacheSettings settings;
  private final RemoteStorage storage;
  private final EvictableLayers layers;
  private final Shared shared;
  private final Task everyMinute;
  private final Task atOnce;

  /// Whether a write has failed for lack of space since the last run.
  private volatile boolean full;

  private volatile Instant lastFull = Instant.EPOCH;

  /// Whether the store has answered in this run; null: it was not asked. Of the task.
  private @Nullable Boolean answers;

  /// Why it has not.
  private String silence = "";

  private volatile EvictionState state = EvictionState.NONE;

  /// @param timelines all of the server; a view that changes
  Eviction(
      Path data,
      CacheSettings settings,
      RemoteStorage storage,
      Collection<Timeline> timelines,
      Shared shared) {
    this.data = data;
    this.settings = settings;
    this.storage = storage;
    this.shared = shared;
    layers = new EvictableLayers(timelines, shared);
    atOnce =
        shared
            .tasks()
            .submit(
                TaskSpec.onDemand(
                    TaskKind.HOUSEKEEPING, "evict layers at once", BACKOFF, _ -> run()));
    everyMinute =
        shared
            .tasks()
            .submit(
                TaskSpec.every(TaskKind.HOUSEKEEPING, "evict layers", PERIOD, _ -> atOnce.wake()));
  }

  EvictionState state() {
    return state;
  }

  /// Something could not be written. Looks for room if that is why.
  void noteFailure(@Nullable Throwable failure) {
    if (isFull(failure)) {
      lastFull = now();
      full = true;
      atOnce.wake();
    }
  }

  static boolean isFull(@Nullable Throwable failure) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      String message = at.getMessage();
      if (at instanceof IOException
          && message != null
          && FULL.stream().anyMatch(message::contains)) {
        return true;
      }
    }
    return false;
  }

  /// More of the layers may go than before.
  void uploaded() {
    if (state.shortage().isPresent()) {
      atOnce.wake();
    }
  }

  private void run() throws IOException, InterruptedException {
    layers.beginRun();
    answers = null;
    Duration age = settings.evictAfter();
    if (age.isPositive()) {
      free(layers.unusedFor(age, now()), "they were not used for " + age);
    }
    makeRoom();
  }

  private void makeRoom() throws IOException, InterruptedException {
    boolean wasFull = full;
    full = false;
    DiskSpace.Space before = settings.disk().measure(data);
    if (!wasFull && before.usedPercent() <= settings.highWater()) {
      boolean isOver = !now().isBefore(lastFull.plus(PERIOD)); // whoever failed has tried again
      note(before, isOver ? Optional.empty() : state.shortage());
      return;
    }
    long wanted = Math.max(before.above(settings.lowWater()), wasFull ? LEAST : 0);
    long left = wanted;
    long freed = -1;
    while (left > 0 && freed != 0) {
      freed =
          free(layers.leastRecentlyUsed(left), "the disk is " + before.usedPercent() + " % full");
      left -= freed;
    }
    DiskSpace.Space after = settings.disk().measure(data);
    boolean isShort = after.usedPercent() > settings.lowWater() || (wasFull && left == wanted);
    if (left > 0 && isShort) {
      note(after, Optional.of(shortage(after, wasFull)));
      layers.askForUploads();
    } else {
      note(after, Optional.empty());
    }
  }

  private String shortage(DiskSpace.Space space, boolean wasFull) {
    String why =
        Boolean.FALSE.equals(answers)
            ? "nothing is evicted while the object store does not answer: " + silence
            : "no layer is left to be evicted: layers of %d bytes are not in the object store yet, the rest is not Varve's or no layer"
                .formatted(layers.waitingBytes());
    return "the disk of %s is %d percent full%s, and %s"
        .formatted(
            data,
            space.usedPercent(),
            wasFull ? ", and there was no space left for a write" : "",
            why);
  }

  private void note(DiskSpace.Space space, Optional<String> shortage) {
    EvictionState before = state;
    state =
        new EvictionState(
            before.layers(), before.bytes(), space.usedPercent(), Optional.of(now()), shortage);
    if (shortage.isPresent() && before.shortage().isEmpty()) {
      LOG.log(WARNING, shortage.get());
    }
  }

  /// @return how many bytes were freed
  private long free(List<EvictableLayers.Candidate> candidates, String why)
      throws InterruptedException {
    if (candidates.isEmpty() || !isAnswering(candidates.getFirst().timeline().tenant())) {
      return 0;
    }
    EvictableLayers.Freed freed = layers.evict(candidates);
    if (freed.layers() > 0) {
      layers.retryWrites();
      EvictionState before = state;
      state =
          new EvictionState(
              before.layers() + freed.layers(),
              before.bytes() + freed.bytes(),
              before.usedPercent(),
              before.lookedAt(),
              before.shortage());
      LOG.log(INFO, "evicted {0} layers, {1} bytes: {2}", freed.layers(), freed.bytes(), why);
    }
    return freed.bytes();
  }

  /// @param tenant one that it has
  private boolean isAnswering(TenantId tenant) throws InterruptedException {
    Boolean known = answers;
    if (known == null) {
      try {
        known = !storage.list(RemoteName.manifests(tenant), "", PROBE).objects().isEmpty();
        silence = "it has no manifest of tenant " + tenant;
      } catch (IOException e) {
        known = false;
        silence = e.getMessage() == null ? e.toString() : e.getMessage();
      }
      answers = known;
    }
    return known;
  }

  private Instant now() {
    return shared.tasks().clock().instant();
  }

  void close() throws InterruptedException {
    everyMinute.cancel();
    atOnce.cancel();
    while (!shared.tasks().await(atOnce.end(), PERIOD)) {}
  }
}
