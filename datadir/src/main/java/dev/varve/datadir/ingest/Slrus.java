package dev.varve.datadir.ingest;

import dev.varve.postgres.record.CommitLogRecord;
import dev.varve.postgres.record.CommitTimestampRecord;
import dev.varve.postgres.record.MultixactRecord;
import dev.varve.postgres.slru.Slru;
import dev.varve.postgres.wal.WalException;
import dev.varve.redo.ChangeWriter;

/// Records of the commit log, of commit timestamps and of multixacts: pages that come and go, and
/// the members of a new multixact.
final class Slrus {

  /// Greatest ID below this are special; PostgreSQL compares pages by the ID after it.
  private static final int FIRST_NORMAL = 4;

  private static final int FIRST_MULTI = 1;
  private static final int FIRST_OFFSET = 1;
  private static final int MEMBER_BYTES = 8;

  private final VersionWriter writer;
  private final SlruSegments segments;
  private final RunningCheckPoint checkPoint;

  Slrus(VersionWriter writer, SlruSegments segments, RunningCheckPoint checkPoint) {
    this.writer = writer;
    this.segments = segments;
    this.checkPoint = checkPoint;
  }

  void ingest(CommitLogRecord record) {
    switch (record) {
      case CommitLogRecord.ZeroPage zero -> zero(Slru.CLOG, zero.page());
      case CommitLogRecord.Truncate truncate -> {
        checkPoint.advanceOldestXid(truncate.oldestXid(), truncate.oldestXidDatabase());
        int newest = Slru.CLOG.page((int) checkPoint.nextXid());
        truncate(Slru.CLOG, checkedPage(Slru.CLOG, truncate.page()), newest);
      }
    }
  }

  void ingest(CommitTimestampRecord record) {
    switch (record) {
      case CommitTimestampRecord.ZeroPage zero -> zero(Slru.COMMIT_TS, zero.page());
      case CommitTimestampRecord.Truncate truncate -> {
        checkPoint.advanceOldestCommitTimestamp(truncate.oldestXid());
        int newest = Slru.COMMIT_TS.page((int) checkPoint.nextXid());
        truncate(Slru.COMMIT_TS, checkedPage(Slru.COMMIT_TS, truncate.page()), newest);
      }
    }
  }

  void ingest(MultixactRecord record) {
    switch (record) {
      case MultixactRecord.ZeroOffsetsPage zero -> zeroOffsets(zero.page());
      case MultixactRecord.ZeroMembersPage zero -> zero(Slru.MULTIXACT_MEMBERS, zero.page());
      case MultixactRecord.Create create -> create(create);
      case MultixactRecord.Truncate truncate -> truncate(truncate);
    }
  }

  /// `track_commit_timestamp` was switched on or off: the files begin with the page of the next
  /// transaction, or are gone.
  void trackCommitTimestamps(boolean on) {
    if (on) {
      checkPoint.startCommitTimestamps();
      segments.cover(Slru.COMMIT_TS, Slru.COMMIT_TS.page((int) checkPoint.nextXid()));
    } else {
      checkPoint.stopCommitTimestamps();
      segments.drop(Slru.COMMIT_TS, _ -> true);
    }
  }

  private void zero(Slru slru, long page) {
    segments.zero(slru, checkedPage(slru, page));
  }

  /// A page of offsets on which the next multixact already is was made by the record of a multixact
  /// before, with the first entry in it: it must not become zero again.
  private void zeroOffsets(long number) {
    Slru slru = Slru.MULTIXACT_OFFSETS;
    int page = checkedPage(Slru.MULTIXACT_OFFSETS, number);
    boolean touched = Slru.MULTIXACT_OFFSETS.page(checkPoint.nextMulti()) == page;
    if (!touched || !segments.exists(slru, page)) {
      segments.zero(slru, page);
    }
  }

  private void create(MultixactRecord.Create record) {
    int multi = record.multi();
    int next = multi == -1 ? FIRST_MULTI : multi + 1;
    int end = record.offset() + record.count();
    int nextOffset = end == 0 ? FIRST_OFFSET : end;
    writeOffsets(multi, record.offset(), next, nextOffset);
    writeMembers(record);
    for (int i = 0; i < record.count(); i++) {
      checkPoint.sawXid(record.xid(i));
    }
    checkPoint.advanceMulti(next, end);
  }

  /// The next multixact's offset is where this one's members end; newer minor versions write it at
  /// once, and it does no harm to older ones.
  private void writeOffsets(int multi, int offset, int next, int nextOffset) {
    Slru slru = Slru.MULTIXACT_OFFSETS;
    int page = Slru.MULTIXACT_OFFSETS.page(multi);
    int nextPage = Slru.MULTIXACT_OFFSETS.page(next);
    var scratch = writer.scratch(ChangeWriter.MULTIXACT_OFFSETS_BYTES);
    if (page == nextPage) {
      int length = ChangeWriter.multixactOffsets(multi, offset, next, nextOffset, scratch, 0);
      segments.change(slru, page, length);
    } else {
      segments.change(slru, page, ChangeWriter.multixactOffset(multi, offset, scratch, 0));
      segments.change(slru, nextPage, ChangeWriter.multixactOffset(next, nextOffset, scratch, 0));
    }
  }

  /// Members lie on as many pages as they need, and go on at offset 0 after the last.
  private void writeMembers(MultixactRecord.Create record) {
    int done = 0;
    while (done < record.count()) {
      int offset = record.offset() + done;
      int page = Slru.MULTIXACT_MEMBERS.page(offset);
      int count = 1;
      while (done + count < record.count() && Slru.MULTIXACT_MEMBERS.page(offset + count) == page) {
        count++;
      }
      int length =
          ChangeWriter.multixactMembers(
              offset,
              record.members(),
              (long) done * MEMBER_BYTES,
              count,
              writer.scratch(ChangeWriter.multixactMembersBytes(count)),
              0);
      segments.change(Slru.MULTIXACT_MEMBERS, page, length);
      done += count;
    }
  }

  private void truncate(MultixactRecord.Truncate record) {
    checkPoint.setOldestMulti(record.multiEnd(), record.database());
    int from = Slru.segment(Slru.MULTIXACT_MEMBERS.page(record.memberStart()));
    int to = Slru.segment(Slru.MULTIXACT_MEMBERS.page(record.memberEnd()));
    segments.drop(Slru.MULTIXACT_MEMBERS, segment -> isBetween(segment, from, to));
    int last = record.multiEnd() == FIRST_MULTI ? -1 : record.multiEnd() - 1;
    int cutoff = Slru.MULTIXACT_OFFSETS.page(last);
    truncate(Slru.MULTIXACT_OFFSETS, cutoff, Slru.MULTIXACT_OFFSETS.page(checkPoint.nextMulti()));
  }

  /// Whether a segment comes at or after `from` and before `to`, when counting goes on at 0 after
  /// the last segment. Equal ends hold nothing.
  static boolean isBetween(int segment, int from, int to) {
    return from <= to ? from <= segment && segment < to : segment >= from || segment < to;
  }

  /// Drops the segments that lie wholly before a page. When even the newest page does, IDs seem to
  /// have wrapped around, and nothing is dropped, as PostgreSQL does.
  private void truncate(Slru slru, int cutoff, int newestPage) {
    if (precedes(slru, newestPage, cutoff)) {
      return;
    }
    segments.drop(
        slru,
        segment -> {
          int first = segment * Slru.PAGES_PER_SEGMENT;
          return precedes(slru, first, cutoff)
              && precedes(slru, first + Slru.PAGES_PER_SEGMENT - 1, cutoff);
        });
  }

  /// Whether all IDs on a page are older than all on another, on the circle of IDs.
  static boolean precedes(Slru slru, int page, int other) {
    int id = page * slru.entriesPerPage() + FIRST_NORMAL;
    int otherId = other * slru.entriesPerPage() + FIRST_NORMAL;
    return id - otherId < 0 && id - (otherId + slru.entriesPerPage() - 1) < 0;
  }

  private int checkedPage(Slru slru, long page) {
    if (page < 0 || page >= slru.pages()) {
      throw new WalException(
          writer.lsn(), "a record names page " + page + " of " + slru.directory());
    }
    return (int) page;
  }
}
