package dev.varve.remote;

/// Under what condition a put takes effect; otherwise it fails with {@link
/// StoreException.PreconditionFailed} and changes nothing.
public sealed interface PutCondition {

  PutCondition ALWAYS = new Always();

  PutCondition IF_ABSENT = new IfAbsent();

  /// Replaces what is there.
  record Always() implements PutCondition {}

  /// Only if there is no such object.
  record IfAbsent() implements PutCondition {}

  /// Only if the object is there and its etag is this one.
  record IfMatches(String etag) implements PutCondition {}
}
