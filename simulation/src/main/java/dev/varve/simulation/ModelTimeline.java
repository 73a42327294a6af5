package dev.varve.simulation;

import dev.varve.model.Key;
import dev.varve.model.TimelineId;
import dev.varve.timeline.RetentionSettings;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What a timeline should hold: what each key was after each of its versions, in plain lists.
final class ModelTimeline {

  private static final int FIRST_SIZE = 8;

  /// The versions of one key, by their LSNs.
  private static final class Chain {
    private long[] lsns = new long[FIRST_SIZE];
    private PageState[] states = new PageState[FIRST_SIZE];
    private int count;

    void add(long lsn, PageState state) {
      if (count == lsns.length) {
        lsns = Arrays.copyOf(lsns, 2 * count);
        states = Arrays.copyOf(states, 2 * count);
      }
      lsns[count] = lsn;
      states[count++] = state;
    }

    /// The last version up to `lsn`, or -1.
    int floor(long lsn) {
      int at = Arrays.binarySearch(lsns, 0, count, lsn);
      return at >= 0 ? at : -at - 2;
    }
  }

  private final TimelineId id;
  private final String name;
  private final @Nullable ModelTimeline ancestor;
  private final long start;
  private final List<WalEntry> records = new ArrayList<>();
  private final Map<Key, Chain> chains = new HashMap<>();
  private final NavigableMap<Long, Instant> leases = new TreeMap<>();
  private long firstReadable;
  private long readableFrom;
  private long durable;
  private long remote;

  /// @param start its first LSN; of a branch, the branch point
  ModelTimeline(
      TimelineId id, String name, @Nullable ModelTimeline ancestor, long start, long readableFrom) {
    this.id = id;
    this.name = name;
    this.ancestor = ancestor;
    this.start = start;
    this.firstReadable = readableFrom;
    this.readableFrom = readableFrom;
    durable = start;
  }

  TimelineId id() {
    return id;
  }

  String name() {
    return name;
  }

  @Nullable ModelTimeline ancestor() {
    return ancestor;
  }

  long start() {
    return start;
  }

  /// What was taken in, in order.
  List<WalEntry> records() {
    return records;
  }

  long last() {
    return records.isEmpty() ? start : records.getLast().lsn();
  }

  /// Reads from there on must give what the model has; as far as was seen.
  long readableFrom() {
    return readableFrom;
  }

  /// Garbage collection has moved it.
  void setReadableFrom(long lsn) {
    readableFrom = lsn;
  }

  /// What garbage collection may have come to at most.
  long latestCutoff(RetentionSettings retention, Instant now) {
    long latest = Math.max(firstReadable, cutoff(retention, now));
    return ancestor == null
        ? latest
        : Math.max(latest, Math.min(start, ancestor.latestCutoff(retention, now)));
  }

  /// Garbage collection may have come that far, whatever it may do from now on.
  void allow(long cutoff) {
    firstReadable = Math.max(firstReadable, cutoff);
  }

  /// What it wants to come to; 0: nowhere.
  long cutoff(RetentionSettings retention, Instant now) {
    if (retention.horizon() > last()) {
      return 0;
    }
    long cutoff = last() - retention.horizon();
    return retention.pitrInterval().isZero()
        ? cutoff
        : Math.min(cutoff, lsnAt(now.minus(retention.pitrInterval())).orElse(0));
  }

  /// The last record that was committed by then.
  OptionalLong lsnAt(Instant moment) {
    for (WalEntry record : records.reversed()) {
      if (!record.time().isAfter(moment)) {
        return OptionalLong.of(record.lsn());
      }
    }
    if (ancestor == null) {
      return OptionalLong.empty();
    }
    OptionalLong before = ancestor.lsnAt(moment);
    return before.isPresent() ? OptionalLong.of(Math.min(start, before.getAsLong())) : before;
  }

  void lease(long lsn, Instant until) {
    leases.merge(lsn, until, (a, b) -> a.isAfter(b) ? a : b);
  }

  /// LSNs that stay readable, whatever the cutoff.
  List<Long> leased(Instant now) {
    leases.values().removeIf(until -> !until.isAfter(now));
    return List.copyOf(leases.keySet());
  }

  /// Up to where it must survive, whatever happens.
  long durable() {
    return durable;
  }

  void promise(long lsn) {
    durable = Math.max(durable, lsn);
  }

  /// Up to where a server has said that it is in the object store.
  long remote() {
    return remote;
  }

  void promiseRemote(long lsn) {
    remote = Math.max(remote, lsn);
  }

  /// Another node has it from now on, as it was found in the object store.
  ///
  /// @param lsn up to where
  /// @param from where it is readable there
  /// @param kept leases that are known there
  void takeOver(long lsn, long from, Map<Long, Instant> kept) {
    if (remote == 0 && ancestor != null) {
      firstReadable = from; // a branch of which nothing is there begins anew, at its branch point
    }
    durable = lsn;
    remote = lsn;
    readableFrom = from;
    leases.clear();
    leases.putAll(kept);
  }

  /// The same timeline, to go on in another way.
  ///
  /// @param forks of ancestors; those that are missing are made
  ModelTimeline fork(Map<ModelTimeline, ModelTimeline> forks) {
    ModelTimeline done = forks.get(this);
    if (done != null) {
      return done;
    }
    ModelTimeline from = ancestor == null ? null : ancestor.fork(forks);
    var fork = new ModelTimeline(id, name, from, start, firstReadable);
    forks.put(this, fork);
    records.forEach(fork::add);
    return fork;
  }

  void add(WalEntry record) {
    for (WalEntry.Put put : record.puts()) {
      PageState before = state(put.key(), record.lsn());
      chains
          .computeIfAbsent(put.key(), _ -> new Chain())
          .add(record.lsn(), PageState.after(before, record.lsn(), put.version()));
    }
    records.add(record);
  }

  /// What the key is as of `lsn`; null: it has no versions.
  @Nullable PageState state(Key key, long lsn) {
    Chain chain = chains.get(key);
    int at = chain == null ? -1 : chain.floor(lsn);
    if (chain != null && at >= 0) {
      return chain.states[at];
    }
    return ancestor == null ? null : ancestor.state(key, Math.min(lsn, start));
  }

  /// Whether the key is of a table that nobody asks for as of `lsn`.
  boolean isDropped(Key key, long lsn) {
    return TableRules.isDroppable(key) && state(TableRules.DROPPED, lsn) != null;
  }

  /// The LSNs of the versions with `from <= LSN <= to`, ascending, the ancestors' among them.
  List<Long> lsns(Key key, long from, long to) {
    List<Long> found = new ArrayList<>();
    if (ancestor != null) {
      found.addAll(ancestor.lsns(key, from, Math.min(to, start)));
    }
    Chain chain = chains.get(key);
    if (chain != null) {
      for (int i = 0; i < chain.count; i++) {
        if (chain.lsns[i] >= from && chain.lsns[i] <= to) {
          found.add(chain.lsns[i]);
        }
      }
    }
    return found;
  }

  /// Whether `other` is this timeline or one that it was branched from.
  boolean reads(ModelTimeline other) {
    for (ModelTimeline at = this; at != null; at = at.ancestor) {
      if (at == other) {
        return true;
      }
    }
    return false;
  }

  @Override
  public String toString() {
    return name;
  }
}
