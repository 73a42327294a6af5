package dev.varve.timeline;

/// What a timeline can do at present.
public sealed interface TimelineState {

  /// Takes in its first data; it can't be read, and a restart discards it.
  record Importing() implements TimelineState {}

  /// Serves; perhaps with {@link Timeline#damagedFiles()}.
  record Active() implements TimelineState {}

  /// Serves reads, but can't make new data durable; it keeps trying.
  ///
  /// @param reason a sentence for people
  record Failing(String reason) implements TimelineState {}

  /// What is on disk can't be used; requests fail with the reason. Other timelines go on. It is
  /// tried again from time to time.
  ///
  /// @param reason a sentence for people
  record Broken(String reason) implements TimelineState {}

  /// Its tenant was attached by another node: it is served there, and here no more.
  ///
  /// @param reason a sentence for people
  record Lost(String reason) implements TimelineState {}

  /// Stopped by request: it takes nothing in and gives nothing out, but keeps what it has, also for
  /// its branches. It stays so over restarts until it is started again.
  record Stopped() implements TimelineState {}

  /// Does not count any more; its files are on their way out.
  record Deleting() implements TimelineState {}

  /// The word for people and for the HTTP API.
  default String word() {
    return switch (this) {
      case Importing _ -> "importing";
      case Active _ -> "active";
      case Failing _ -> "failing";
      case Broken _ -> "broken";
      case Lost _ -> "lost";
      case Stopped _ -> "stopped";
      case Deleting _ -> "deleting";
    };
  }
}
