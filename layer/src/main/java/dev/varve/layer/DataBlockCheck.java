package dev.varve.layer;

import dev.varve.model.Key;

/// Reads a {@link DataBlock} from end to end and believes nothing.
final class DataBlockCheck {

  private final DataBlock block;
  private final Varints varints = new Varints();
  private int payload;
  private long upper;
  private long middle;
  private long lower;
  private boolean anyAtBase;

  private DataBlockCheck(DataBlock block) {
    this.block = block;
  }

  static void check(DataBlock block) throws MalformedBlockException {
    new DataBlockCheck(block).check();
  }

  private void check() throws MalformedBlockException {
    int length = block.length();
    if (length < DataBlock.TRAILER) {
      throw new MalformedBlockException("a data block of " + length + " bytes");
    }
    int section = block.keySectionLength();
    int keys = block.keyCount();
    if (section < 0 || section > length - DataBlock.TRAILER || keys < 1 || keys > section) {
      throw new MalformedBlockException(keys + " keys in " + section + " bytes");
    }
    payload = block.keySection();
    varints.reset(block.bytes(), block.keySection(), length - DataBlock.TRAILER);
    for (int i = 0; i < keys; i++) {
      nextKey(i == 0);
      versions();
    }
    if (!varints.atEnd() || payload != 0) {
      throw new MalformedBlockException(payload + " bytes belong to no version");
    }
    if (!anyAtBase) {
      throw new MalformedBlockException("no version has the base LSN");
    }
  }

  private void nextKey(boolean first) throws MalformedBlockException {
    long step = varints.next();
    long u = upper;
    long m = middle;
    long l = lower + step;
    if (step == 0) {
      u = upper + varints.next();
      int at = varints.position();
      if (at + Long.BYTES > block.length() - DataBlock.TRAILER) {
        throw new MalformedBlockException("a key goes beyond its section");
      }
      m = Encoding.getLong(block.bytes(), at);
      varints.skip(Long.BYTES);
      l = varints.next();
    } else if (first) {
      throw new MalformedBlockException("the first key is not whole");
    }
    if (!first && Key.compare(u, m, l, upper, middle, lower) <= 0) {
      throw new MalformedBlockException("keys are not in order");
    }
    upper = u;
    middle = m;
    lower = l;
  }

  private void versions() throws MalformedBlockException {
    int count = varints.nextInt(Integer.MAX_VALUE);
    int section = varints.nextInt(block.length());
    int total = varints.nextInt(payload);
    int end = varints.position() + section;
    if (count < 1) {
      throw new MalformedBlockException("a key without versions");
    }
    long lsn = 0;
    long sum = 0;
    for (int i = 0; i < count; i++) {
      lsn = nextLsn(i == 0, lsn);
      long word = varints.next();
      sum += word >>> 2;
      if (sum > total || (word & 3) == DataBlock.IMAGE) {
        throw new MalformedBlockException("a version of " + (word >>> 2) + " bytes");
      }
    }
    anyAtBase |= lsn == block.baseLsn();
    if (varints.position() != end || sum != total) {
      throw new MalformedBlockException("the versions of a key do not fill their place");
    }
    payload -= total;
  }

  private long nextLsn(boolean newest, long newer) throws MalformedBlockException {
    long step = varints.next();
    long base = block.baseLsn();
    long lsn = newest ? base + step : newer - step;
    boolean wrapped =
        newest
            ? Long.compareUnsigned(lsn, base) < 0
            : step == 0
                || Long.compareUnsigned(step, newer) > 0
                || Long.compareUnsigned(lsn, base) < 0;
    if (wrapped) {
      throw new MalformedBlockException("LSNs are not in order");
    }
    return lsn;
  }
}
