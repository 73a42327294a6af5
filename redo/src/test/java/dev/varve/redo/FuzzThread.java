package dev.varve.redo;

import org.jspecify.annotations.Nullable;

/// A thread that runs every n-th case of {@link RedoFuzz} and can be watched for one that does not
/// end.
final class FuzzThread extends Thread {

  private final FuzzCorpus corpus;
  private final long to;
  private final int step;
  private volatile long current;
  private volatile boolean stopped;
  private volatile @Nullable Throwable failure;
  private final FuzzCounts counts = new FuzzCounts();

  FuzzThread(FuzzCorpus corpus, long from, long to, int step) {
    super("fuzz-" + from);
    setDaemon(true);
    this.corpus = corpus;
    this.current = from;
    this.to = to;
    this.step = step;
  }

  @Override
  public void run() {
    try (var fuzz = new RedoFuzz(corpus, version -> new Redo(version)::apply)) {
      for (long seed = current; seed < to && !stopped; seed += step) {
        current = seed;
        fuzz.run(seed);
      }
      counts.add(fuzz.counts());
    } catch (Throwable e) {
      failure = e;
    }
  }

  /// Waits for the end, as long as there is some progress.
  ///
  /// @param all are told to stop when this one fails
  void await(long hangSeconds, Iterable<FuzzThread> all) throws InterruptedException {
    long seen;
    do {
      seen = current;
      join(hangSeconds * 1000);
      if (isAlive() && seen == current) {
        all.forEach(thread -> thread.stopped = true);
        var error = new AssertionError("case " + seen + " does not end; -Dseed=" + seen);
        error.setStackTrace(getStackTrace());
        throw error;
      }
    } while (isAlive());
    if (failure != null) {
      all.forEach(thread -> thread.stopped = true);
      throw new AssertionError(failure.getMessage(), failure);
    }
  }

  /// Of all cases, once {@link #await} has returned.
  FuzzCounts counts() {
    return counts;
  }
}
