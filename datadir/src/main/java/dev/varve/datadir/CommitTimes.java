package dev.varve.datadir;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.timeline.Timeline;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// From moments to LSNs, and back: what each transaction said of the time when it committed.
///
/// Commit times do not rise with LSNs: two sessions may write their records in the other order, and
/// clocks are set back. A moment T means what it means to PostgreSQL's `recovery_target_time`:
/// replay that stops *before the first commit that is later than T*. So the answer is the last
/// commit before that one, even where a commit further on is at or before T again.
///
/// Each bucket of 16 MiB of the log has its commits in order under one key (kind 69), and, under
/// another (6A), the greatest time of all commits before the bucket. These rise, so the bucket is
/// found by binary search, and only its commits are read.
public final class CommitTimes {

  /// No time at all: before all.
  public static final long NONE = Long.MIN_VALUE;

  private static final Instant EPOCH = Instant.parse("2000-01-01T00:00:00Z");
  private static final long MICROS = 1_000_000;

  private final Timeline timeline;
  private final Lsn end;
  private final List<Bucket> buckets = new ArrayList<>();

  private record Bucket(long number, long before) {}

  /// The commits of a timeline up to its last record now.
  public CommitTimes(Timeline timeline) {
    this.timeline = timeline;
    this.end = timeline.lastRecordLsn();
    long first = DirectoryKeys.commitBucket(Lsn.min(timeline.readableFrom(), end).value());
    timeline.scan(
        DirectoryKeys.kind(DirectoryKeys.COMMIT_TIME_BEFORE),
        end,
        (key, value) -> {
          // Older ones may be half dropped: see DirectoryRules.
          if (DirectoryKeys.bucketOf(key) + DirectoryRules.BUCKETS_BEFORE >= first) {
            buckets.add(new Bucket(DirectoryKeys.bucketOf(key), value.get(PgLayout.LONG, 0)));
          }
        });
  }

  /// How a moment lies to the commits that are known.
  public enum Kind {
    /// Among them.
    PRESENT,
    /// After the last.
    FUTURE,
    /// Before what can be read.
    PAST,
    /// No commit is known.
    NO_DATA
  }

  /// Where a moment is.
  ///
  /// @param lsn as {@link #at} gives it; for one of the past, where the history begins
  public record Place(Kind kind, Lsn lsn) {}

  /// As {@link #at}, but every moment has an answer.
  public Place find(Instant moment) {
    Lsn from = timeline.readableFrom();
    Optional<CommitTime> last = last();
    if (last.isEmpty()) {
      return new Place(Kind.NO_DATA, from);
    }
    try {
      return new Place(last.get().time().isBefore(moment) ? Kind.FUTURE : Kind.PRESENT, at(moment));
    } catch (PageserverException.InvalidRequest _) {
      return new Place(Kind.PAST, from);
    }
  }

  /// For storage, which must not drop what may be asked for: empty unless the moment is known.
  public static Optional<Lsn> lsnAt(Timeline timeline, Instant moment) {
    Place place = new CommitTimes(timeline).find(moment);
    return switch (place.kind()) {
      case PRESENT, FUTURE -> Optional.of(place.lsn());
      case PAST, NO_DATA -> Optional.empty();
    };
  }

  /// The LSN at which the timeline is as of a moment: that of the last commit at or before it, or
  /// where the timeline becomes readable if no later commit came before that.
  ///
  /// A moment after the last commit gives that commit: whether the source has more to say of it,
  /// the caller must know.
  ///
  /// @throws PageserverException.InvalidRequest when the moment is before what can be read, saying
  ///   from when on it can
  public Lsn at(Instant moment) {
    long target = micros(moment);
    CommitTime before = null;
    CommitTime after = null;
    int bucket = lastBucketNotAfter(target);
    if (bucket < 0 && !buckets.isEmpty()) {
      Lsn from = timeline.readableFrom();
      throw tooEarly(moment, of(from).orElse(instant(buckets.getFirst().before())));
    }
    if (bucket >= 0) {
      for (CommitTime commit : commits(bucket)) {
        if (micros(commit.time()) > target) {
          after = commit;
          break;
        }
        before = commit;
      }
      if (before == null && bucket > 0) {
        before = commits(bucket - 1).getLast();
      }
    }
    return readable(moment, before, after);
  }

  /// The first commit of all is in a bucket that has nothing before it, and that may have been
  /// dropped: then the first bucket that is left says how late the commits before it were.
  ///
  /// @return -1 when a commit before all buckets that are left is later than the target
  private int lastBucketNotAfter(long target) {
    int low = 0;
    int high = buckets.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (buckets.get(middle).before() <= target) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low - 1;
  }

  private Lsn readable(Instant moment, @Nullable CommitTime before, @Nullable CommitTime after) {
    Lsn from = timeline.readableFrom();
    if (before != null && !before.lsn().isBefore(from)) {
      return before.lsn();
    }
    if (after != null && !after.lsn().isAfter(from)) {
      throw tooEarly(moment, of(from).orElse(after.time()));
    }
    // Where all commits that were dropped are at or before the moment, the last one counts.
    boolean dropped = !buckets.isEmpty() && buckets.getFirst().before() != NONE;
    if (before == null && !dropped) {
      Instant checkpoint =
          Instant.ofEpochSecond(DataDirectory.at(timeline, from).checkPoint().time());
      if (moment.isBefore(checkpoint)) {
        throw tooEarly(moment, checkpoint);
      }
    }
    return from;
  }

  private PageserverException tooEarly(Instant moment, Instant earliest) {
    return new PageserverException.InvalidRequest(
        "%s is before the history of %s, which begins with %s at %s"
            .formatted(moment, timeline.name(), timeline.readableFrom(), earliest));
  }

  /// When the last commit at or before an LSN was; empty when there is none.
  public Optional<Instant> of(Lsn lsn) {
    long wanted = DirectoryKeys.commitBucket(lsn.value());
    for (int i = buckets.size() - 1; i >= 0; i--) {
      if (Long.compareUnsigned(buckets.get(i).number(), wanted) <= 0) {
        List<CommitTime> commits =
            commits(i).stream().filter(commit -> !commit.lsn().isAfter(lsn)).toList();
        if (!commits.isEmpty()) {
          return Optional.of(commits.getLast().time());
        }
      }
    }
    return Optional.empty();
  }

  /// The first commit that is known; it may be one of before the timeline can be read.
  public Optional<CommitTime> first() {
    return buckets.isEmpty() ? Optional.empty() : Optional.of(commits(0).getFirst());
  }

  public Optional<CommitTime> last() {
    return buckets.isEmpty()
        ? Optional.empty()
        : Optional.of(commits(buckets.size() - 1).getLast());
  }

  /// Never empty: a bucket comes into being with its first commit.
  private List<CommitTime> commits(int bucket) {
    List<CommitTime> commits = new ArrayList<>();
    timeline.history(
        DirectoryKeys.commitTimes(buckets.get(bucket).number()),
        Lsn.ZERO,
        end,
        (lsn, version) ->
            commits.add(
                new CommitTime(new Lsn(lsn), instant(version.bytes().get(PgLayout.LONG, 0)))));
    if (commits.isEmpty()) {
      throw new PageserverException.DataCorrupted(
          "the commit times of %s from %s on are missing"
              .formatted(
                  timeline.name(),
                  Lsn.format(DirectoryKeys.commitBucketStart(buckets.get(bucket).number()))));
    }
    return commits;
  }

  /// PostgreSQL's time as a moment.
  ///
  /// @param micros microseconds since 2000-01-01 UTC
  public static Instant instant(long micros) {
    return EPOCH
        .plusSeconds(Math.floorDiv(micros, MICROS))
        .plusNanos(Math.floorMod(micros, MICROS) * 1000);
  }

  /// The last of PostgreSQL's times that is not after the moment.
  public static long micros(Instant moment) {
    long seconds = moment.getEpochSecond() - EPOCH.getEpochSecond();
    long limit = Long.MAX_VALUE / MICROS - 1;
    if (seconds > limit || seconds < -limit) {
      return seconds > 0 ? Long.MAX_VALUE : NONE + 1;
    }
    return seconds * MICROS + moment.getNano() / 1000;
  }
}
