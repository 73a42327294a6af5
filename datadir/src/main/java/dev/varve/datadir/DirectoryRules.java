package dev.varve.datadir;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.timeline.KeyRules;
import dev.varve.timeline.Timeline;

/// What storage has to know of the keys of a data directory ({@link DirectoryKeys}): which are
/// pages, and which nobody asks for as of an LSN. Pages of a relation or SLRU segment that is not
/// there are not asked for, and neither are commit times of long before: {@link CommitTimes} looks
/// no further back than one bucket before the one in which history begins.
public final class DirectoryRules implements KeyRules {

  /// How many buckets of commit times are kept before the one of an LSN.
  static final int BUCKETS_BEFORE = 1;

  @Override
  public boolean isPage(Key key) {
    return switch (key.kind()) {
      case DirectoryKeys.PAGE -> key.relation() != 0;
      case DirectoryKeys.SLRU_PAGE -> true;
      default -> false;
    };
  }

  @Override
  public Verdict verdict(Timeline timeline, Key key, Lsn lsn) {
    return switch (key.kind()) {
      case DirectoryKeys.PAGE -> key.relation() == 0 ? kept(key) : relation(timeline, key, lsn);
      case DirectoryKeys.SLRU_PAGE -> segment(timeline, key, lsn);
      case DirectoryKeys.COMMIT_TIME, DirectoryKeys.COMMIT_TIME_BEFORE -> {
        long bucket = DirectoryKeys.bucketOf(key);
        yield new Verdict(
            bucket + BUCKETS_BEFORE < DirectoryKeys.commitBucket(lsn.value()), key.next());
      }
      default -> kept(key);
    };
  }

  private static Verdict kept(Key key) {
    return new Verdict(false, key.next());
  }

  private static Verdict relation(Timeline timeline, Key key, Lsn lsn) {
    boolean exists = timeline.has(DirectoryKeys.relationSize(DirectoryKeys.relationOf(key)), lsn);
    return new Verdict(!exists, DirectoryKeys.endOfFork(key));
  }

  private static Verdict segment(Timeline timeline, Key key, Lsn lsn) {
    boolean exists = timeline.has(DirectoryKeys.slruSizeOf(key), lsn);
    return new Verdict(!exists, DirectoryKeys.endOfFork(key));
  }
}
