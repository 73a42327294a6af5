package dev.varve.task;

/// What a task is for, from which follows on which threads it runs.
public enum TaskKind {
  /// Follows a source of WAL.
  WAL_RECEIVER(Threads.DEDICATED),
  /// Takes in a base backup.
  IMPORT(Threads.DEDICATED),
  /// Reads what there is of a timeline when the server starts.
  LOADING(Threads.COMPUTING),
  /// Writes frozen layers to disk.
  FLUSH(Threads.COMPUTING),
  /// Merges layer files, for as long as it takes.
  COMPACTION(Threads.BACKGROUND),
  /// Puts what a tenant or timeline has into the object store, and deletes there what it has not.
  UPLOAD(Threads.WAITING),
  /// Fetches whole layers from the object store, before anybody waits for them.
  DOWNLOAD(Threads.WAITING),
  /// Looks after timelines from time to time: ages, limits, states.
  HOUSEKEEPING(Threads.WAITING),
  /// A short step that changes which layers, branches or timelines there are.
  STRUCTURE(Threads.DEDICATED),
  /// Serves a client or listens for clients.
  SERVICE(Threads.WAITING);

  /// Where a task runs.
  public enum Threads {
    /// A virtual thread of its own: for what mostly waits for network or disk.
    WAITING,
    /// One of few platform threads: for what mostly computes.
    COMPUTING,
    /// One of very few platform threads, apart from those that compute: for what may take minutes
    /// and must not keep short work waiting.
    BACKGROUND,
    /// A platform thread of its own, at once: for streams that keep a processor busy for long,
    /// which on virtual threads would keep all others from running; and for short steps that others
    /// wait for, which on a virtual thread would themselves be kept waiting.
    DEDICATED;

    /// Whether a task is interrupted when it is cancelled. One that computes is not: it reads files
    /// that others read, which an interrupt would close.
    boolean isInterruptible() {
      return this == WAITING || this == DEDICATED;
    }
  }

  private final Threads threads;

  TaskKind(Threads threads) {
    this.threads = threads;
  }

  public Threads threads() {
    return threads;
  }
}
