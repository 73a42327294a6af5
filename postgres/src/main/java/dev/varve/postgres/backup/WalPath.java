package dev.varve.postgres.backup;

import dev.varve.model.Lsn;
import dev.varve.postgres.backup.TimelineHistory.Entry;
import java.util.ArrayList;
import java.util.List;

/// The log as one PostgreSQL timeline has it: its own part, and before that the parts of those that
/// it descends from. Every LSN is of exactly one of them, whatever siblings wrote there.
///
/// @param history of the PostgreSQL timeline; empty for one that descends from none
/// @param tli the PostgreSQL timeline, unsigned
public record WalPath(TimelineHistory history, int tli) {

  /// The log of a server that was never promoted, or of whose past nothing is known.
  public static WalPath of(int tli) {
    return new WalPath(TimelineHistory.NONE, tli);
  }

  /// The PostgreSQL timeline that the byte at an LSN is of.
  public int tliAt(Lsn lsn) {
    for (Entry entry : history.entries()) {
      if (lsn.isBefore(entry.end())) {
        return entry.tli();
      }
    }
    return tli;
  }

  /// Whether what a PostgreSQL timeline has up to an LSN is part of this log.
  public boolean contains(int part, Lsn end) {
    for (Entry entry : history.entries()) {
      if (entry.tli() == part) {
        return !end.isAfter(entry.end());
      }
    }
    return part == tli;
  }

  /// Where a PostgreSQL timeline of this log ends in it: the first LSN that is of the next one.
  public Lsn endOf(int part) {
    for (Entry entry : history.entries()) {
      if (entry.tli() == part) {
        return entry.end();
      }
    }
    return Lsn.MAX;
  }

  /// The PostgreSQL timelines of which bytes from `from` to before `end` are, newest first.
  public List<Integer> tlisBetween(Lsn from, Lsn end) {
    List<Integer> parts = new ArrayList<>();
    Lsn begin = Lsn.ZERO;
    for (Entry entry : history.entries()) {
      if (begin.isBefore(end) && from.isBefore(entry.end())) {
        parts.addFirst(entry.tli());
      }
      begin = entry.end();
    }
    if (begin.isBefore(end)) {
      parts.addFirst(tli);
    }
    return parts;
  }
}
