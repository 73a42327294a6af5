package dev.varve.walreceiver;

import dev.varve.model.Lsn;
import dev.varve.walreceiver.replication.TimelineHistory;
import java.util.ArrayList;
import java.util.List;

/// On which PostgreSQL timeline each part of a server's WAL was written.
///
/// Each line of a history file names a PostgreSQL timeline and the LSN at which the next one left
/// it, oldest first; what follows on the line is for people.
///
/// @param current the PostgreSQL timeline that the server writes now
record History(List<Fork> forks, int current) {

  /// @param end where the next PostgreSQL timeline left this one
  record Fork(int timeline, Lsn end) {}

  /// A server that was never promoted.
  static History of(int current) {
    return new History(List.of(), current);
  }

  /// @throws IllegalArgumentException when the file is not a history file
  static History parse(TimelineHistory file, int current) {
    var forks = new ArrayList<Fork>();
    for (String line : file.content().lines().map(String::strip).toList()) {
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      List<String> fields = List.of(line.split("\\s+", 3));
      if (fields.size() < 2) {
        throw new IllegalArgumentException(
            "\"" + line + "\" is not a line of a timeline history file");
      }
      forks.add(new Fork(Integer.parseUnsignedInt(fields.getFirst()), Lsn.parse(fields.get(1))));
    }
    return new History(List.copyOf(forks), current);
  }

  /// The PostgreSQL timeline whose WAL continues at an LSN.
  int timelineAt(Lsn lsn) {
    for (Fork fork : forks) {
      if (lsn.isBefore(fork.end())) {
        return fork.timeline();
      }
    }
    return current;
  }

  /// Whether WAL up to an LSN of a PostgreSQL timeline is part of this server's past.
  boolean contains(int timeline, Lsn lsn) {
    for (Fork fork : forks) {
      if (fork.timeline() == timeline) {
        return !lsn.isAfter(fork.end());
      }
    }
    return timeline == current;
  }
}
