package dev.varve.simulation;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.task.TaskKind;
import dev.varve.task.TaskReport;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.timeline.HistorySink;
import dev.varve.timeline.ScanSink;
import dev.varve.timeline.Timeline;
import dev.varve.timeline.TimelineState;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Reads, and compares with the model. A read may fail where a file that it needs is damaged, and
/// must say which; and where the disk fails to read. It must never give anything else than what the
/// model has.
final class Checks {

  private static final String LATE = "has not received WAL up to";

  /// A merge fails when its timeline is stopped or goes, and when it needs a page as of a branch
  /// point that the ancestor has not been sent again since the start.
  private static final List<String> TOLERATED = List.of("the merge was cancelled", LATE);

  private final World world;
  private final Refusals refusals;
  private final MemorySegment page = MemorySegment.ofArray(new byte[HashRedo.PAGE]);
  private final MemorySegment nestedPage = MemorySegment.ofArray(new byte[HashRedo.PAGE]);

  /// How many reads go on, one in the middle of the other.
  private int reading;

  Checks(World world) {
    this.world = world;
    refusals = new Refusals(world);
  }

  /// Whether somebody reads at present, in whose middle something else may happen.
  boolean isReading() {
    return reading > 0;
  }

  private void reading(Runnable read) {
    reading++;
    Thread.interrupted(); // of a task that was cancelled before
    try {
      read.run();
    } finally {
      reading--;
    }
  }

  /// Reads something of some timeline, unless the process is dead.
  void some() {
    if (!world.disk().isDead() && !world.models().isEmpty()) {
      some(world.any());
    }
  }

  /// Work in the background fails when the disk does, or because of a damaged file.
  void tasks() {
    if (world.disk().isDead()) {
      return;
    }
    for (TaskReport task : world.server().tasks()) {
      String failure = task.lastFailure();
      boolean right =
          failure == null
              || task.kind() == TaskKind.STRUCTURE // whose failure somebody waits for
              || DiskFault.isNamedBy(failure)
              || Line.isNamedBy(failure)
              || TOLERATED.stream().anyMatch(failure::contains)
              || world.namesEverDamaged(failure);
      Finding.require(right, "task \"" + task.name() + "\" has failed: " + failure);
    }
  }

  private void some(ModelTimeline model) {
    Timeline timeline = world.real(model);
    long last = timeline.lastRecordLsn().value();
    Finding.require(
        last == model.last(), "%s is at %d, not at %d".formatted(model, last, model.last()));
    notice(model);
    Damage.requireNoted(world, timeline, world.damaged());
    long lsn = lsn(model);
    page(model, world.random().nextInt(world.swarm().pages()), lsn);
    switch (world.random().nextInt(12)) {
      case 0, 6 -> values(model, lsn);
      case 1 -> history(model, lsn);
      case 2, 3, 4 -> value(model, lsn);
      case 5 -> refusals.some(model);
      case 7 -> batch(model, lsn);
      default -> {}
    }
  }

  /// The GC cutoff only rises, and never so far that it takes what the settings want to keep.
  void notice(ModelTimeline model) {
    long first = world.real(model).readableFrom().value();
    long latest = world.settings().latestCutoff(model, world.now());
    Finding.require(
        first >= model.readableFrom() && first <= latest,
        "%s is readable from %d, was from %d, and should be up to %d"
            .formatted(model, first, model.readableFrom(), latest));
    model.setReadableFrom(first);
  }

  private boolean isReadable(ModelTimeline model, long lsn) {
    return lsn >= world.real(model).readableFrom().value() || world.kept(model).contains(lsn);
  }

  /// The last, or the first, a leased one, or one between.
  private long lsn(ModelTimeline model) {
    long span = model.last() - model.readableFrom() + 1;
    return switch (world.random().nextInt(6)) {
      case 0, 1 -> model.last();
      case 2 -> model.readableFrom();
      case 3 -> {
        List<Long> leased = world.kept(model);
        yield leased.isEmpty()
            ? model.readableFrom()
            : leased.get(world.random().nextInt(leased.size()));
      }
      default -> model.readableFrom() + world.random().nextLong(span);
    };
  }

  /// Something of a timeline that has been loaded, and may not have been sent again all that it
  /// had.
  void asFarAsItIs(ModelTimeline model) {
    long last = world.real(model).lastRecordLsn().value();
    if (!isAfterBroken(model)) {
      notice(model);
    }
    for (int block = 0; block < world.swarm().pages(); block++) {
      page(model, block, Math.min(last, lsn(model)));
    }
    value(model, last);
  }

  /// All pages and values of a timeline, as of some LSNs.
  void all(ModelTimeline model) {
    for (int block = 0; block < world.swarm().pages(); block++) {
      page(model, block, lsn(model));
      page(model, block, model.last());
    }
    values(model, lsn(model));
    values(model, model.last());
    history(model, model.last());
  }

  void page(ModelTimeline model, int block, long lsn) {
    Key key = TableRules.page(block);
    if (model.isDropped(key, lsn)) {
      return;
    }
    PageState expected = model.state(key, lsn);
    MemorySegment target = isReading() ? nestedPage : page;
    String found;
    try {
      reading(() -> world.real(model).page(key, new Lsn(lsn), target));
      found = difference(expected, target);
    } catch (PageserverException e) {
      found = wrong(model, lsn, expected, e);
    }
    if (found != null) {
      throw finding(model, key, lsn, expected, found);
    }
  }

  /// All pages at once, in some order.
  private void batch(ModelTimeline model, long lsn) {
    var keys = new ArrayList<Key>();
    for (int block = 0; block < world.swarm().pages(); block++) {
      keys.add(world.random().nextInt(keys.size() + 1), TableRules.page(block));
    }
    keys.removeIf(key -> model.isDropped(key, lsn));
    MemorySegment target = MemorySegment.ofArray(new byte[keys.size() * HashRedo.PAGE]);
    var failures = new HashMap<Integer, PageserverException>();
    try {
      reading(() -> world.real(model).pages(keys, new Lsn(lsn), target, failures::put));
    } catch (PageserverException e) {
      if (!mayFail(model, lsn, e)) {
        throw finding(model, "pages", lsn, "all", e.getMessage());
      }
      return;
    }
    for (int i = 0; i < keys.size(); i++) {
      PageState expected = model.state(keys.get(i), lsn);
      PageserverException failure = failures.get(i);
      String found =
          failure == null
              ? difference(expected, target.asSlice((long) i * HashRedo.PAGE, HashRedo.PAGE))
              : wrong(model, lsn, expected, failure);
      if (found != null) {
        throw finding(model, keys.get(i), lsn, expected, "in a batch " + found);
      }
    }
  }

  private boolean isAfterBroken(ModelTimeline model) {
    for (ModelTimeline at = model.ancestor(); at != null; at = at.ancestor()) {
      if (world.real(at).state() instanceof TimelineState.Broken) {
        return true;
      }
    }
    return false;
  }

  /// Whether one that it was branched from has not been sent again the branch point.
  private boolean isAfterLate(ModelTimeline model) {
    for (ModelTimeline at = model; at.ancestor() != null; at = at.ancestor()) {
      if (world.real(at.ancestor()).lastRecordLsn().value() < at.start()) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable String difference(@Nullable PageState expected, MemorySegment found) {
    return expected instanceof PageState.Page state
        ? difference(HashRedo.page(state), found)
        : "a page";
  }

  /// @return null when a page may fail like this
  private @Nullable String wrong(
      ModelTimeline model, long lsn, @Nullable PageState expected, PageserverException failure) {
    boolean right =
        switch (failure) {
          case PageserverException.NotFound _ ->
              expected == null || expected instanceof PageState.Absent;
          case PageserverException.DataCorrupted _ when expected instanceof PageState.Unmakeable ->
              true;
          default -> mayFail(model, lsn, failure);
        };
    return right ? null : failure.getMessage();
  }

  private static @Nullable String difference(MemorySegment expected, MemorySegment found) {
    long at = expected.mismatch(found);
    if (at < 0) {
      return null;
    }
    return "a page that differs at byte %d: hash %d, %d changes, last at %d"
        .formatted(at, longAt(found, 0), longAt(found, 8), longAt(found, 16));
  }

  private static long longAt(MemorySegment page, long offset) {
    return page.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
  }

  private static Finding finding(
      ModelTimeline model, Object key, long lsn, @Nullable Object expected, Object found) {
    return new Finding(
        "timeline %s, key %s as of %d: expected %s, found %s"
            .formatted(model, key, lsn, expected, found));
  }

  /// Whether a read of the timeline may fail like this at present.
  private boolean mayFail(ModelTimeline model, long lsn, PageserverException failure) {
    if (world.disk().isDead()) {
      return true;
    }
    String message = failure.getMessage();
    return switch (failure) {
      case PageserverException.Unavailable _ ->
          DiskFault.isNamedBy(message)
              || (message.contains(LATE) && isAfterLate(model))
              || (world.cloud() != null && Line.isNamedBy(message))
              || world.namesDamagedObject(message);
      case PageserverException.DataCorrupted _ ->
          isDamaged(model, message) || world.namesDamagedObject(message);
      case PageserverException.InvalidRequest _ -> !isReadable(model, lsn);
      case PageserverException.NotFound _,
          PageserverException.Conflict _,
          PageserverException.Unsupported _ ->
          false;
    };
  }

  /// Whether the message names a damaged file of the timeline or of one that it was branched from.
  private boolean isDamaged(ModelTimeline model, String message) {
    for (String path : world.damaged()) {
      for (ModelTimeline at = model; at != null; at = at.ancestor()) {
        if (path.contains(at.id().toString()) && names(message, path)) {
          requireNoted(at, path);
          return true;
        }
      }
    }
    return false;
  }

  /// A path may be the beginning of another one.
  private static boolean names(String message, String path) {
    int at = message.indexOf(path);
    int end = at + path.length();
    return at >= 0 && (end == message.length() || message.charAt(end) == ' ');
  }

  /// What a read met is there to be asked for.
  private void requireNoted(ModelTimeline owner, String path) {
    Timeline timeline = world.real(owner);
    Finding.require(
        world.cloud() != null // from where it may have come meanwhile
            || timeline.state() instanceof TimelineState.Broken
            || timeline.damagedFiles().stream()
                .anyMatch(noted -> noted.file().toString().equals(path)),
        timeline + " does not say that " + path + " is damaged");
  }

  private static @Nullable String text(ModelTimeline model, Key key, long lsn) {
    return model.state(key, lsn) instanceof PageState.Value(String text) && !text.isEmpty()
        ? text
        : null;
  }

  void value(ModelTimeline model, long lsn) {
    Key key = TableRules.value(world.random().nextInt(Entries.VALUES));
    String expected = text(model, key, lsn);
    try {
      var value = new byte[1] @Nullable [];
      reading(() -> value[0] = world.real(model).value(key, new Lsn(lsn)));
      byte[] bytes = value[0];
      String found = bytes == null ? null : new String(bytes, ISO_8859_1);
      if (expected == null ? found != null : !expected.equals(found)) {
        throw finding(model, key, lsn, expected, String.valueOf(found));
      }
    } catch (PageserverException e) {
      if (!mayFail(model, lsn, e)) {
        throw finding(model, key, lsn, expected, e.getMessage());
      }
    }
  }

  /// All values as of an LSN.
  void values(ModelTimeline model, long lsn) {
    var expected = new ArrayList<String>();
    for (int i = 0; i < Entries.VALUES; i++) {
      Key key = TableRules.value(i);
      String text = text(model, key, lsn);
      if (text != null) {
        expected.add(key + "=" + text);
      }
    }
    String dropped = text(model, TableRules.DROPPED, lsn);
    if (dropped != null) {
      expected.add(TableRules.DROPPED + "=" + dropped);
    }
    var found = new ArrayList<String>();
    try {
      ScanSink sink =
          (key, value) ->
              found.add(key + "=" + new String(value.toArray(ValueLayout.JAVA_BYTE), ISO_8859_1));
      reading(() -> world.real(model).scan(Entries.VALUE_KEYS, new Lsn(lsn), sink));
    } catch (PageserverException e) {
      if (!mayFail(model, lsn, e)) {
        throw finding(model, "values", lsn, expected, e.getMessage());
      }
      return;
    }
    if (!found.equals(expected)) {
      throw finding(model, "values", lsn, expected, found);
    }
  }

  /// The LSNs of a value's versions.
  void history(ModelTimeline model, long to) {
    Key key = TableRules.value(world.random().nextInt(Entries.VALUES));
    if (to <= model.readableFrom()) {
      return; // of what is before the cutoff only what reads need is left
    }
    long from = model.readableFrom() + 1 + world.random().nextLong(to - model.readableFrom());
    List<Long> expected = model.lsns(key, from, to);
    var found = new ArrayList<Long>();
    try {
      HistorySink sink = (lsn, _) -> found.add(lsn);
      reading(() -> world.real(model).history(key, new Lsn(from), new Lsn(to), sink));
    } catch (PageserverException e) {
      if (!mayFail(model, to, e)) {
        throw finding(model, key, to, expected, e.getMessage());
      }
      return;
    }
    boolean dropped = from <= world.real(model).readableFrom().value();
    if (!dropped && !found.equals(expected)) {
      throw finding(model, "versions of " + key + " from " + from, to, expected, found);
    }
  }
}
