package dev.varve.timeline;

/// What a timeline can do at present.
public sealed interface TimelineState {

  /// Takes in its first data; it can't be read, and a restart discards it.
  record Importing() implements TimelineState {}

  record Active() implements TimelineState {}

  /// Serves reads, but can't make new data durable; it keeps trying.
  ///
  /// @param reason a sentence for people
  record Failing(String reason) implements TimelineState {}

  /// What is on disk can't be used; requests fail with the reason. Other timelines go on.
  ///
  /// @param reason a sentence for people
  record Broken(String reason) implements TimelineState {}

  record Deleting() implements TimelineState {}

  /// The word for people and for the HTTP API.
  default String word() {
    return switch (this) {
      case Importing _ -> "importing";
      case Active _ -> "active";
      case Failing _ -> "failing";
      case Broken _ -> "broken";
      case Deleting _ -> "deleting";
    };
  }
}
