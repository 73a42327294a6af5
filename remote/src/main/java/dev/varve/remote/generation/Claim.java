package dev.varve.remote.generation;

import java.util.Optional;

/// What an authority answers to {@link Generations#attachIfNewest}.
public sealed interface Claim {

  /// Nobody else was given one since.
  ///
  /// @param generation that the tenant has from now on
  record Granted(Generation generation) implements Claim {}

  /// Another generation than the expected one is the newest; none was given.
  ///
  /// @param newest that was given out; {@link Generation#NONE}: none was
  /// @param node to which it was given, when that is not the one that asks; empty also when the
  ///   authority has but one
  record Outdated(Generation newest, Optional<String> node) implements Claim {}
}
