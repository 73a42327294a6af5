package dev.varve.layer;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;

/// The keys and LSNs of what was added to a file so far, and its order.
final class LayerExtent {

  private long versions;
  private long firstUpper;
  private long firstMiddle;
  private long firstLower;
  private long lastUpper;
  private long lastMiddle;
  private long lastLower;
  private long lastLsn;
  private long lowest;
  private long highest;

  /// @throws IllegalArgumentException when the version does not follow the last one
  void add(long upper, long middle, long lower, long lsn) {
    if (versions == 0) {
      firstUpper = upper;
      firstMiddle = middle;
      firstLower = lower;
      lowest = lsn;
      highest = lsn;
    } else {
      int order = Key.compare(upper, middle, lower, lastUpper, lastMiddle, lastLower);
      if (order < 0 || (order == 0 && Long.compareUnsigned(lsn, lastLsn) <= 0)) {
        throw new IllegalArgumentException(
            named(upper, middle, lower, lsn)
                + " added after "
                + named(lastUpper, lastMiddle, lastLower, lastLsn));
      }
      lowest = Long.compareUnsigned(lsn, lowest) < 0 ? lsn : lowest;
      highest = Long.compareUnsigned(lsn, highest) > 0 ? lsn : highest;
    }
    lastUpper = upper;
    lastMiddle = middle;
    lastLower = lower;
    lastLsn = lsn;
    versions++;
  }

  private static String named(long upper, long middle, long lower, long lsn) {
    return Key.of(upper, middle, lower) + " at " + Lsn.format(lsn);
  }

  long versions() {
    return versions;
  }

  /// The narrowest range.
  KeyRange keys() {
    requireSome();
    return new KeyRange(
        Key.of(firstUpper, firstMiddle, firstLower),
        Key.of(lastUpper, lastMiddle, lastLower).next());
  }

  /// The narrowest range.
  LsnRange lsns() {
    requireSome();
    return new LsnRange(new Lsn(lowest), new Lsn(highest + 1));
  }

  private void requireSome() {
    if (versions == 0) {
      throw new IllegalStateException("a layer without versions");
    }
  }

  void requireWithin(KeyRange keys, LsnRange lsns) {
    requireSome();
    Key first = Key.of(firstUpper, firstMiddle, firstLower);
    Key last = Key.of(lastUpper, lastMiddle, lastLower);
    if (!keys.contains(first)
        || !keys.contains(last)
        || !lsns.contains(new Lsn(lowest))
        || !lsns.contains(new Lsn(highest))) {
      throw new IllegalArgumentException(
          "versions from "
              + first
              + " to "
              + last
              + ", "
              + lsns()
              + ", in a layer of "
              + keys
              + ", "
              + lsns);
    }
  }
}
