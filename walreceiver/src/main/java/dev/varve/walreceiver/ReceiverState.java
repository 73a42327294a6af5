package dev.varve.walreceiver;

/// What a {@link WalReceiver} is doing.
public enum ReceiverState {
  /// On the way to the first connection.
  CONNECTING,
  /// Connected; WAL comes as the source writes it.
  STREAMING,
  /// The last connection failed; it tries again soon.
  RETRYING,
  /// The source can't go on where we are, or we can't take in what comes next, and trying again
  /// will hardly help; it still tries now and then. What was taken in so far is served on.
  BLOCKED,
  /// By request.
  STOPPED
}
