package dev.varve.remote;

import dev.varve.task.TaskThreads;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import java.util.zip.CRC32C;

/// An object store as the rest of the server uses it: limits how many requests are under way at
/// once, lets the urgent ones go first, tries again what may succeed later, and counts.
///
/// Any thread may call any method, and is blocked until it is done. Interrupting it ends that.
/// Time, waiting and randomness come from outside, so all of this runs in a simulation too; there,
/// an operation of the store that lets other steps run while it is under way keeps its permit
/// meanwhile.
///
/// All methods throw {@link StoreException} when the store fails for good or for too long, any
/// other {@link IOException} when content or sink fail.
public final class RemoteStorage implements AutoCloseable {

  /// Bytes that differ may have been garbled on the way; if they differ so often, they were not.
  private static final int ATTEMPTS_AT_DAMAGED = 3;

  private final ObjectStore store;
  private final TaskThreads threads;
  private final RandomGenerator random;
  private final RemoteLimits limits;
  private final Permits permits;
  private final Counters counters = new Counters();
  private final Outages outages;

  /// @param store closed when this is
  /// @param random used by one thread at a time
  public RemoteStorage(
      ObjectStore store, TaskThreads threads, RandomGenerator random, RemoteLimits limits) {
    this.store = store;
    this.threads = threads;
    this.random = random;
    this.limits = limits;
    permits = new Permits(threads, limits.requests());
    outages = new Outages("the object store", threads.clock());
  }

  private interface Attempt<T> {
    T make(Duration limit) throws IOException, InterruptedException;
  }

  /// Puts an object.
  ///
  /// When an attempt with a condition has got no answer, and the next one finds the condition not
  /// to hold, then the object counts as put if it has the same size and CRC-32C. So writers that
  /// compete for a name must write something that differs.
  public ObjectState put(ObjectName name, Content content, PutCondition condition, RemoteCall call)
      throws IOException, InterruptedException {
    var uncertain = new boolean[1];
    return run(
        Operation.PUT,
        content.size(),
        call,
        content::size,
        limit -> {
          try {
            return store.put(name, content, condition, limit);
          } catch (StoreException.PreconditionFailed e) {
            if (!uncertain[0]) {
              throw e;
            }
            return requireOurs(name, content, e, limit);
          } catch (StoreException e) {
            uncertain[0] = true;
            throw e;
          }
        });
  }

  private ObjectState requireOurs(
      ObjectName name, Content content, StoreException failure, Duration limit)
      throws IOException, InterruptedException {
    ObjectState there;
    try {
      there = store.head(name, limit);
    } catch (StoreException.NotFound _) {
      throw failure;
    }
    boolean ours =
        there.size() == content.size()
            && there.crc32c().isPresent()
            && there.crc32c().getAsInt() == content.crc32c(0, content.size());
    if (!ours) {
      throw failure;
    }
    return there;
  }

  /// Reads a range of an object.
  public ObjectState get(ObjectName name, ByteRange range, Sink sink, RemoteCall call)
      throws IOException, InterruptedException {
    return get(name, range, range.isWhole() ? 0 : range.length(), sink, call);
  }

  private ObjectState get(ObjectName name, ByteRange range, long bytes, Sink sink, RemoteCall call)
      throws IOException, InterruptedException {
    var moved = new AtomicLong();
    Sink counting =
        (position, part) -> {
          int length = part.remaining();
          sink.write(position, part);
          moved.set(position + length);
        };
    return run(
        Operation.GET, bytes, call, moved::get, limit -> store.get(name, range, counting, limit));
  }

  /// Reads a small object whole.
  ///
  /// @throws IOException also if it has more than `most` bytes
  public byte[] read(ObjectName name, int most, RemoteCall call)
      throws IOException, InterruptedException {
    var bytes = new ByteArrayOutputStream();
    Sink sink =
        (position, part) -> {
          if (position == 0) {
            bytes.reset();
          }
          if (part.remaining() > most - bytes.size()) {
            throw new IOException(name + " in " + store + " has more than " + most + " bytes");
          }
          while (part.hasRemaining()) {
            bytes.write(part.get());
          }
        };
    ObjectState state = get(name, ByteRange.WHOLE, most, sink, call);
    return state.size() == 0 ? new byte[0] : bytes.toByteArray();
  }

  /// Reads a whole object of a known size into the beginning of a file, and compares what came with
  /// what was put.
  ///
  /// @return the CRC-32C of what came; empty: the store does not say what it should be, and nothing
  ///   was compared
  public OptionalInt download(ObjectName name, long size, FileChannel file, RemoteCall call)
      throws IOException, InterruptedException {
    Instant end = threads.clock().instant().plus(call.limit());
    for (int attempt = 1; ; attempt++) {
      try {
        return downloadOnce(name, size, file, end, call);
      } catch (StoreException.Damaged e) {
        if (attempt >= Math.min(ATTEMPTS_AT_DAMAGED, call.attempts())) {
          throw e;
        }
      }
    }
  }

  private OptionalInt downloadOnce(
      ObjectName name, long size, FileChannel file, Instant end, RemoteCall call)
      throws IOException, InterruptedException {
    if (size == 0) {
      requireSize(name, size, head(name, until(end, call)));
    }
    String etag = null;
    OptionalInt crc = OptionalInt.empty();
    for (long offset = 0; offset < size; offset += limits.downloadRange()) {
      var range = new ByteRange(offset, Math.min(limits.downloadRange(), size - offset));
      ObjectState state = get(name, range, Sink.to(file, offset), until(end, call));
      requireSize(name, size, state);
      if (etag != null && !etag.equals(state.etag())) {
        throw new StoreException.Damaged(store + ": " + name + " changed while it was read");
      }
      etag = state.etag();
      crc = state.crc32c();
      boolean last = offset + range.length() == size;
      // One range that is all was compared on its way.
      if (last && offset > 0 && crc.isPresent() && crcOf(file, size) != crc.getAsInt()) {
        throw new StoreException.Damaged(
            store + " gives other bytes of " + name + " than were put there, by their CRC-32C");
      }
    }
    return crc;
  }

  private void requireSize(ObjectName name, long size, ObjectState state)
      throws StoreException.Damaged {
    if (state.size() != size) {
      throw new StoreException.Damaged(
          store + ": " + name + " has " + state.size() + " bytes instead of " + size);
    }
  }

  private RemoteCall until(Instant end, RemoteCall call) {
    Duration left = Duration.between(threads.clock().instant(), end);
    Duration limit = left.isPositive() ? left : Duration.ofMillis(1);
    return new RemoteCall(call.urgency(), call.attempts(), limit);
  }

  private static int crcOf(FileChannel file, long size) throws IOException {
    var crc = new CRC32C();
    ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    for (long at = 0; at < size; at += buffer.limit()) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), size - at));
      int count = file.read(buffer, at);
      if (count <= 0) {
        throw new IOException("what was downloaded is gone from its file at " + at);
      }
      crc.update(buffer.flip());
    }
    return (int) crc.getValue();
  }

  /// What the store says of an object.
  public ObjectState head(ObjectName name, RemoteCall call)
      throws IOException, InterruptedException {
    return run(Operation.HEAD, 0, call, () -> 0, limit -> store.head(name, limit));
  }

  /// A page of a list, as {@link ObjectStore#list} gives it.
  public ObjectPage list(String prefix, String after, RemoteCall call)
      throws IOException, InterruptedException {
    return run(
        Operation.LIST,
        0,
        call,
        () -> 0,
        limit -> store.list(prefix, after, ObjectStore.MOST_LISTED, limit));
  }

  /// All objects whose names begin with `prefix`.
  ///
  /// @throws IOException also if there are more than `most`
  public List<ObjectState> listAll(String prefix, int most, RemoteCall call)
      throws IOException, InterruptedException {
    var all = new ArrayList<ObjectState>();
    String after = "";
    while (after != null) {
      ObjectPage page = list(prefix, after, call);
      all.addAll(page.objects());
      if (all.size() > most) {
        throw new IOException(
            store + " has more than " + most + " objects that begin with \"" + prefix + "\"");
      }
      after = page.next();
    }
    return all;
  }

  /// Deletes any number of objects, those that are there.
  public void delete(List<ObjectName> names, RemoteCall call)
      throws IOException, InterruptedException {
    for (int from = 0; from < names.size(); from += ObjectStore.MOST_DELETIONS) {
      int to = Math.min(names.size(), from + ObjectStore.MOST_DELETIONS);
      List<ObjectName> some = List.copyOf(names.subList(from, to));
      run(
          Operation.DELETE,
          0,
          call,
          () -> 0,
          limit -> {
            store.delete(some, limit);
            return some;
          });
    }
  }

  /// Removes what puts have left that began before `before` and never ended.
  ///
  /// @return how many
  public int removeAbandoned(Instant before, RemoteCall call)
      throws IOException, InterruptedException {
    int removed = 0;
    int some;
    do {
      some = run(Operation.DELETE, 0, call, () -> 0, limit -> store.removeAbandoned(before, limit));
      removed += some;
    } while (some > 0);
    return removed;
  }

  public RemoteCounts counts() {
    return new RemoteCounts(counters.counts(), permits.waiting(), outages.current());
  }

  /// What is said of failures.
  public Outages outages() {
    return outages;
  }

  /// @param bytes as many as it may have to move: they take their time
  /// @param moved as many as it has moved, once it succeeds
  private <T> T run(
      Operation operation, long bytes, RemoteCall call, LongSupplier moved, Attempt<T> attempt)
      throws IOException, InterruptedException {
    Instant start = threads.clock().instant();
    Instant end = start.plus(call.limit());
    for (int attempts = 1; ; attempts++) {
      try {
        T result = attempt(operation, bytes, call, end, attempt);
        counters.moved(operation, moved.getAsLong());
        return result;
      } catch (StoreException e) {
        Duration delay = delay(attempts);
        Instant now = threads.clock().instant();
        if (!mayTryAgain(e, attempts, call) || !now.plus(delay).isBefore(end)) {
          throw attempts == 1 ? e : e.with(" (attempt " + attempts + ", " + since(start) + ")");
        }
        threads.await(new CompletableFuture<>(), delay);
      }
    }
  }

  private String since(Instant start) {
    return Duration.between(start, threads.clock().instant()).toMillis() + " ms after the first";
  }

  private static boolean mayTryAgain(StoreException failure, int attempts, RemoteCall call) {
    return switch (failure) {
      case StoreException.NotFound _,
          StoreException.PreconditionFailed _,
          StoreException.Refused _ ->
          false;
      case StoreException.Damaged _ -> attempts < Math.min(ATTEMPTS_AT_DAMAGED, call.attempts());
      case StoreException.Throttled _, StoreException.Unavailable _ -> attempts < call.attempts();
    };
  }

  /// Many that fail together must not come back together.
  private Duration delay(int failures) {
    long most = limits.backoff().delay(failures).toNanos();
    synchronized (random) {
      return Duration.ofNanos(most / 2 + random.nextLong(most / 2 + 1));
    }
  }

  private <T> T attempt(
      Operation operation, long bytes, RemoteCall call, Instant end, Attempt<T> attempt)
      throws IOException, InterruptedException {
    Instant start = threads.clock().instant();
    boolean letIn = permits.acquire(call.urgency(), Duration.between(start, end));
    Instant begin = threads.clock().instant();
    counters.queued(operation, Duration.between(start, begin));
    if (!letIn) {
      throw new StoreException.Unavailable(
          store
              + ": no "
              + operation
              + " within "
              + call.limit()
              + ": all of "
              + limits.requests()
              + " requests are under way, and others wait");
    }
    try {
      Duration left = Duration.between(begin, end);
      Duration most = limits.attempt(bytes);
      T result = attempt.make(left.compareTo(most) < 0 ? left : most);
      outages.answered();
      return result;
    } catch (StoreException e) {
      note(operation, e);
      throw e;
    } finally {
      counters.ended(operation, Duration.between(begin, threads.clock().instant()));
      permits.release(call.urgency());
    }
  }

  private void note(Operation operation, StoreException failure) {
    counters.failed(operation, failure);
    switch (failure) {
      case StoreException.NotFound _, StoreException.PreconditionFailed _ -> outages.answered();
      case StoreException.Refused _,
          StoreException.Damaged _,
          StoreException.Throttled _,
          StoreException.Unavailable _ ->
          outages.failed(failure);
    }
  }

  /// What the store is called in messages.
  @Override
  public String toString() {
    return store.toString();
  }

  @Override
  public void close() {
    store.close();
  }
}
