package dev.varve.model;

/// The keys from `start`, included, to `end`, excluded; never empty.
public record KeyRange(Key start, Key end) {

  public static final KeyRange ALL = new KeyRange(Key.MIN, Key.MAX);

  public KeyRange {
    if (start.compareTo(end) >= 0) {
      throw new IllegalArgumentException("empty key range: " + start + ".." + end);
    }
  }

  public boolean contains(Key key) {
    return start.compareTo(key) <= 0 && key.compareTo(end) < 0;
  }

  public boolean overlaps(KeyRange that) {
    return start.compareTo(that.end) < 0 && that.start.compareTo(end) < 0;
  }
}
