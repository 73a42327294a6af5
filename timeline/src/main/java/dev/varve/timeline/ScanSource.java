package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import dev.varve.model.Key;
import java.io.IOException;

/// One layer's part in a scan: a cursor that stands on a version below an LSN.
final class ScanSource implements Comparable<ScanSource>, AutoCloseable {

  private final LayerCursor cursor;
  private final long end;

  /// @param end versions from here on do not count
  ScanSource(LayerCursor cursor, long end) {
    this.cursor = cursor;
    this.end = end;
  }

  LayerCursor cursor() {
    return cursor;
  }

  /// @return false at the end
  boolean next() throws IOException {
    while (cursor.next()) {
      if (Long.compareUnsigned(cursor.lsn(), end) < 0) {
        return true;
      }
    }
    return false;
  }

  Key key() {
    return Key.of(cursor.upper(), cursor.middle(), cursor.lower());
  }

  boolean isAt(Key key) {
    return cursor.upper() == key.upper()
        && cursor.middle() == key.middle()
        && cursor.lower() == key.lower();
  }

  /// In the order of the keys they stand on.
  @Override
  public int compareTo(ScanSource that) {
    return Key.compare(
        cursor.upper(),
        cursor.middle(),
        cursor.lower(),
        that.cursor.upper(),
        that.cursor.middle(),
        that.cursor.lower());
  }

  @Override
  public void close() {
    cursor.close();
  }
}
