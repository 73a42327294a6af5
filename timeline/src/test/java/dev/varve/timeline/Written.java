package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a test has written to a timeline, one version a record, and so what reads must give.
final class Written {

  static final int STEP = 8;

  private static final KeyRange VALUES =
      new KeyRange(new Key(0x61, 0, 0, 0, 0, 0), new Key(0x62, 0, 0, 0, 0, 0));

  private record Version(boolean image, boolean initializes, long value) {}

  private final Map<Integer, NavigableMap<Long, Version>> pages = new HashMap<>();
  private final Map<Integer, NavigableMap<Long, String>> values = new HashMap<>();
  private final MemorySegment page = Arena.ofAuto().allocate(8192);
  private long last = Fixture.START;

  /// As {@link Fixture#root} leaves a timeline: with a page at its start.
  Written() {
    versions(0).put(last, new Version(true, true, 7));
  }

  /// What a branch of this sees at its branch point.
  Written branch(long at) {
    var branch = new Written();
    pages.forEach((block, versions) -> branch.versions(block).putAll(versions.headMap(at, true)));
    values.forEach((number, versions) -> branch.texts(number).putAll(versions.headMap(at, true)));
    branch.last = at;
    return branch;
  }

  long last() {
    return last;
  }

  private NavigableMap<Long, Version> versions(int block) {
    return pages.computeIfAbsent(block, _ -> new TreeMap<>());
  }

  private NavigableMap<Long, String> texts(int number) {
    return values.computeIfAbsent(number, _ -> new TreeMap<>());
  }

  static Key value(int number) {
    return new Key(0x61, 0, 0, number, 0, 0);
  }

  void image(Ingest ingest, int block) {
    last += STEP;
    Fixture.putImage(ingest, block, last, last * 31);
    versions(block).put(last, new Version(true, true, last * 31));
    ingest.advance(last);
  }

  void change(Ingest ingest, int block) {
    last += STEP;
    Fixture.putChange(ingest, block, last, last * 17);
    versions(block).put(last, new Version(false, false, last * 17));
    ingest.advance(last);
  }

  /// Sets a value; an empty one is a tombstone.
  void value(Ingest ingest, int number, String text) {
    last += STEP;
    Key key = value(number);
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
    ingest.image(
        key.upper(),
        key.middle(),
        key.lower(),
        last,
        MemorySegment.ofArray(bytes),
        0,
        bytes.length);
    texts(number).put(last, text);
    ingest.advance(last);
  }

  /// Reads all as of some LSNs from `from` to the last, both among them.
  void check(Timeline timeline, long from) {
    long step = Math.max(STEP, (last - from) / 40 / STEP * STEP);
    for (long lsn = last; lsn > from; lsn -= step) {
      checkAt(timeline, lsn);
    }
    checkAt(timeline, from);
  }

  void checkAt(Timeline timeline, long lsn) {
    for (int block : pages.keySet()) {
      checkPage(timeline, block, lsn);
    }
    var found = new ArrayList<String>();
    timeline.scan(VALUES, new Lsn(lsn), (key, value) -> found.add(key + " " + value.byteSize()));
    List<String> expected = new ArrayList<>();
    for (var entry : new TreeMap<>(values).entrySet()) {
      var at = entry.getValue().floorEntry(lsn);
      String text = at == null ? "" : at.getValue();
      if (!text.isEmpty()) {
        expected.add(value(entry.getKey()) + " " + text.length());
      }
      byte[] got = timeline.value(value(entry.getKey()), new Lsn(lsn));
      assertThat(got == null ? 0 : got.length)
          .as("value %d of %s at %d", entry.getKey(), timeline, lsn)
          .isEqualTo(text.length());
    }
    assertThat(found).as("scan of %s at %d", timeline, lsn).isEqualTo(expected);
  }

  void checkPage(Timeline timeline, int block, long lsn) {
    Long expected = expected(block, lsn);
    Long got;
    try {
      timeline.page(Fixture.key(block), new Lsn(lsn), page);
      got = page.get(JAVA_LONG_UNALIGNED, 0);
    } catch (PageserverException.NotFound e) {
      got = null;
    }
    assertThat(got).as("block %d of %s at %d", block, timeline, lsn).isEqualTo(expected);
  }

  private @Nullable Long expected(int block, long lsn) {
    NavigableMap<Long, Version> history = versions(block).headMap(lsn, true);
    Long from = null;
    for (var entry : history.entrySet()) {
      if (entry.getValue().initializes) {
        from = entry.getKey();
      }
    }
    if (from == null) {
      return null;
    }
    long hash = 0;
    for (var entry : history.tailMap(from, true).entrySet()) {
      Version version = entry.getValue();
      hash = version.image ? version.value : HashRedo.next(hash, entry.getKey(), version.value);
    }
    return hash;
  }
}
