package dev.varve.timeline;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;

/// Something that happens again and again, for whoever waits for the next time. To miss nothing:
/// take {@link #next()}, look whether waiting is needed still, then wait.
final class Signal {

  private final AtomicReference<CompletableFuture<Boolean>> next =
      new AtomicReference<>(new CompletableFuture<>());

  CompletableFuture<Boolean> next() {
    return next.get();
  }

  void fire() {
    next.getAndSet(new CompletableFuture<>()).complete(true);
  }
}
