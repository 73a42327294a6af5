package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.TenantId;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// The {@link TenantRecord} of each tenant, in memory as in the data directory. Any thread may call
/// any method; a change is durable before anybody sees it.
final class TenantRecords {

  private static final System.Logger LOG = System.getLogger(TenantRecords.class.getName());

  private final TenantFiles files;
  private final Map<TenantId, Entry> entries = new ConcurrentHashMap<>();

  TenantRecords(TenantFiles files) {
    this.files = files;
  }

  /// One tenant's; its lock is held while its file is read or written.
  private final class Entry {

    private final TenantId id;
    private volatile @Nullable TenantRecord known;
    private volatile @Nullable String said;

    /// Whether the file may be another than what is known: a write that has failed may count after
    /// a restart. Guarded by this.
    private boolean isUnsure;

    Entry(TenantId id) {
      this.id = id;
    }

    TenantRecord get() throws IOException {
      TenantRecord now = known;
      return now == null ? read() : now;
    }

    private synchronized TenantRecord read() throws IOException {
      TenantRecord now = known;
      if (now == null) {
        now = files.record(id);
        set(now);
      }
      return now;
    }

    synchronized TenantRecord change(UnaryOperator<TenantRecord> change) throws IOException {
      TenantRecord before = read();
      TenantRecord after = change.apply(before);
      if (isUnsure || !after.equals(before)) {
        isUnsure = true;
        files.write(after);
        isUnsure = false;
        set(after);
      }
      return after;
    }

    synchronized void set(TenantRecord record) {
      known = record;
      var unknown = record.settings().unknownKeys();
      if (!unknown.isEmpty()) {
        sayOnce("tenant " + id + " has settings that a newer version knows: " + unknown);
      }
    }

    void sayOnce(String sentence) {
      if (!sentence.equals(said)) {
        said = sentence;
        LOG.log(WARNING, sentence);
      }
    }

    Optional<Duration> pitrInterval(Duration otherwise) {
      String reason;
      try {
        return Optional.of(get().settings().pitrInterval().orElse(otherwise));
      } catch (IOException | IllegalArgumentException e) {
        reason = FailureText.of(e);
      }
      sayOnce("all history of tenant %s is kept for now: %s".formatted(id, reason));
      return Optional.empty();
    }
  }

  private Entry of(TenantId id) {
    return entries.computeIfAbsent(id, Entry::new);
  }

  /// @throws IOException with a sentence, when what is on disk is not known
  TenantRecord get(TenantId id) throws IOException {
    return of(id).get();
  }

  /// What was read or written; empty: nothing yet.
  Optional<TenantRecord> known(TenantId id) {
    return Optional.ofNullable(of(id).known);
  }

  /// @throws IOException when that can't be made durable, or what was before is not known; it is as
  ///   it was then
  TenantRecord change(TenantId id, UnaryOperator<TenantRecord> change) throws IOException {
    return of(id).change(change);
  }

  /// Another has been written in the place of the one that was.
  void set(TenantRecord record) {
    of(record.tenant()).set(record);
  }

  /// A tenant is not here any more.
  void forget(TenantId id) {
    entries.remove(id);
  }

  /// How far back every moment of a tenant's past is to be readable.
  ///
  /// @param otherwise if nothing was set for it
  /// @return empty when that is not known: nothing may be dropped then
  Optional<Duration> pitrInterval(TenantId id, Duration otherwise) {
    return of(id).pitrInterval(otherwise);
  }
}
