package dev.varve.model;

/// The moments from `start`, included, to `end`, excluded; never empty.
public record LsnRange(Lsn start, Lsn end) {

  public LsnRange {
    if (start.compareTo(end) >= 0) {
      throw new IllegalArgumentException("empty LSN range: " + start + ".." + end);
    }
  }

  public boolean contains(Lsn lsn) {
    return start.compareTo(lsn) <= 0 && lsn.compareTo(end) < 0;
  }
}
