package dev.varve.timeline;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.TimelineId;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a timeline should hold: plain maps of everything that was ever put.
final class ModelTimeline {

  private static final KeyRange VALUES =
      new KeyRange(new Key(0x61, 0, 0, 0, 0, 0), new Key(0x62, 0, 0, 0, 0, 0));

  enum Kind {
    IMAGE,
    CHANGE,
    INITIALIZING_CHANGE,
    VALUE
  }

  /// @param text the bytes of a VALUE; else the value says all
  record Version(Kind kind, long value, String text) {}

  record Put(Key key, Version version) {}

  /// @param loaded whether its images come through an {@link ImageLoad}
  record Entry(long lsn, List<Put> puts, boolean loaded) {}

  final TimelineId id;
  final String name;
  final @Nullable ModelTimeline ancestor;
  final long start;
  final long readableFrom;
  final List<Entry> records = new ArrayList<>();
  private final Map<Key, NavigableMap<Long, Version>> versions = new HashMap<>();

  /// What was promised to survive.
  long durable;

  ModelTimeline(
      TimelineId id, String name, @Nullable ModelTimeline ancestor, long start, long readableFrom) {
    this.id = id;
    this.name = name;
    this.ancestor = ancestor;
    this.start = start;
    this.readableFrom = readableFrom;
    durable = start;
  }

  long last() {
    return records.isEmpty() ? start : records.getLast().lsn;
  }

  void add(Entry record) {
    records.add(record);
    for (Put put : record.puts) {
      versions.computeIfAbsent(put.key, _ -> new TreeMap<>()).put(record.lsn, put.version);
    }
  }

  /// All versions up to `lsn`, the ancestors' among them.
  NavigableMap<Long, Version> history(Key key, long lsn) {
    NavigableMap<Long, Version> all = new TreeMap<>();
    if (ancestor != null) {
      all.putAll(ancestor.history(key, Math.min(lsn, start)));
    }
    all.putAll(versions.getOrDefault(key, new TreeMap<>()).headMap(lsn, true));
    return all;
  }

  /// Reads the page and compares.
  ///
  /// @param target where to read it to
  /// @return null when it is as it should be
  @Nullable String check(Timeline real, Key key, long lsn, MemorySegment target) {
    NavigableMap<Long, Version> history = history(key, lsn);
    var begin =
        history.descendingMap().entrySet().stream()
            .filter(entry -> entry.getValue().kind != Kind.CHANGE)
            .findFirst();
    String problem;
    try {
      real.page(key, new Lsn(lsn), target);
      problem =
          begin.isEmpty()
              ? "a page where none can be made"
              : difference(history.tailMap(begin.get().getKey(), true), target);
    } catch (PageserverException.NotFound e) {
      problem = history.isEmpty() ? null : "not found: " + e.getMessage();
    } catch (PageserverException.DataCorrupted e) {
      problem = begin.isEmpty() && !history.isEmpty() ? null : "corrupted: " + e.getMessage();
    }
    return problem == null ? null : name + " " + key + " at " + lsn + ": " + problem;
  }

  private static @Nullable String difference(
      NavigableMap<Long, Version> history, MemorySegment page) {
    Version first = history.firstEntry().getValue();
    boolean image = first.kind == Kind.IMAGE;
    long hash = image ? first.value : 0;
    long count = 0;
    for (var entry : history.tailMap(history.firstKey(), !image).entrySet()) {
      hash = HashRedo.next(hash, entry.getKey(), entry.getValue().value);
      count++;
    }
    long gotHash = page.get(JAVA_LONG_UNALIGNED, 0);
    long gotCount = page.get(JAVA_LONG_UNALIGNED, 8);
    long gotTail = page.get(JAVA_LONG_UNALIGNED, HashRedo.LAST);
    boolean same = gotHash == hash && gotCount == count && gotTail == (image ? first.value : 0);
    return same ? null : "another page: " + gotCount + " changes instead of " + count;
  }

  Optional<String> value(Key key, long lsn) {
    var last = history(key, lsn).lastEntry();
    return last == null || last.getValue().text.isEmpty()
        ? Optional.empty()
        : Optional.of(last.getValue().text);
  }

  Map<Key, String> scan(KeyRange range, long lsn) {
    Map<Key, String> found = new TreeMap<>();
    for (ModelTimeline at = this; at != null; at = at.ancestor) {
      for (Key key : at.versions.keySet()) {
        if (range.contains(key)) {
          value(key, lsn).ifPresent(value -> found.put(key, value));
        }
      }
    }
    return found;
  }

  /// Compares all values as of the LSN, by scanning, and some of their histories.
  void checkValues(Timeline timeline, long lsn) {
    var found = new ArrayList<String>();
    timeline.scan(
        VALUES,
        new Lsn(lsn),
        (key, value) -> found.add(key + "=" + text(value.toArray(ValueLayout.JAVA_BYTE))));
    var expected = new ArrayList<String>();
    scan(VALUES, lsn).forEach((key, value) -> expected.add(key + "=" + value));
    assertThat(found).isEqualTo(expected);
    for (int i = 0; i < 3; i++) {
      Key key = new Key(0x61, 0, 0, (int) ((lsn + i) % 20), 0, 0);
      assertThat(Optional.ofNullable(timeline.value(key, new Lsn(lsn))).map(ModelTimeline::text))
          .isEqualTo(value(key, lsn));
      var lsns = new ArrayList<Long>();
      // of what is before the cutoff only what reads need is left
      long from = Math.max(lsn / 2, timeline.readableFrom().value() + 1);
      if (from > lsn) {
        continue;
      }
      timeline.history(key, new Lsn(from), new Lsn(lsn), (at, _) -> lsns.add(at));
      assertThat(lsns).containsExactlyElementsOf(history(key, lsn).tailMap(from, true).keySet());
    }
  }

  private static String text(byte[] bytes) {
    return new String(bytes, ISO_8859_1);
  }
}
