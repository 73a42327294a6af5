package dev.varve.timeline;

import java.util.concurrent.atomic.AtomicReferenceArray;

/// A few {@link PageBuilder}s for many threads, virtual ones among them: nothing is kept per
/// thread. When all are in use, a new one is made, and forgotten when all places are taken on its
/// return.
final class PageBuilders {

  private static final int PLACES = 32;

  /// What long chains of changes may take together, in bytes. The launcher gives direct memory 64
  /// MiB for it and for what builders keep.
  private static final long CHAIN_BYTES = 48L << 20;

  private final ChainMemory memory = new ChainMemory(CHAIN_BYTES);
  private final AtomicReferenceArray<PageBuilder> places = new AtomicReferenceArray<>(PLACES);

  ChainMemory memory() {
    return memory;
  }

  PageBuilder take() {
    int first = firstPlace();
    for (int i = 0; i < PLACES; i++) {
      int place = first + i & PLACES - 1;
      if (places.getPlain(place) != null) {
        PageBuilder builder = places.getAndSet(place, null);
        if (builder != null) {
          return builder;
        }
      }
    }
    return new PageBuilder(memory);
  }

  void giveBack(PageBuilder builder) {
    builder.clear();
    int first = firstPlace();
    for (int i = 0; i < PLACES; i++) {
      int place = first + i & PLACES - 1;
      if (places.getPlain(place) == null && places.compareAndSet(place, null, builder)) {
        return;
      }
    }
  }

  private static int firstPlace() {
    return (int) Thread.currentThread().threadId() & PLACES - 1;
  }
}
