package dev.varve.timeline;

import dev.varve.layer.LayerCursor;
import dev.varve.layer.LayerOwner;
import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// One merge: reads layer files side by side, front to back, and writes what is kept of them to new
/// ones. It takes some MiB of memory, whatever it merges: a block of each input that it stands in,
/// a chain of changes of one page, and the buffers of one output.
///
/// It ends between two keys: at the end of the inputs, when it has written a slice, when it is no
/// longer worth while, or when it is told that something else is more urgent. The inputs then count
/// from where it ended on.
final class Merge implements AutoCloseable {

  /// How many keys pass between two looks at whether to go on.
  private static final int KEYS_BETWEEN_LOOKS = 512;

  private final MergePlan plan;
  private final MergeOutput output;
  private final KeptVersions kept;
  private final BooleanSupplier urgent;
  private final BooleanSupplier cancelled;
  private long bytesRead;
  private final List<HistoricLayer> held = new ArrayList<>();

  /// What a merge came to.
  ///
  /// @param inputs those that it has come to
  /// @param end the first key that was not merged; null: all are
  /// @param outputs new files, durable, which nobody names yet
  record Result(List<HistoricLayer> inputs, @Nullable Key end, List<HistoricLayer> outputs) {}

  /// @param urgent whether to end soon with what has been done
  /// @param cancelled whether to give up
  Merge(
      MergePlan plan,
      DurableIndex index,
      LayerOwner owner,
      Shared shared,
      Materializer materializer,
      BooleanSupplier urgent,
      BooleanSupplier cancelled) {
    this.plan = plan;
    this.urgent = urgent;
    this.cancelled = cancelled;
    output = new MergeOutput(index, owner, shared, plan);
    kept = KeptVersions.of(plan, output, materializer);
  }

  /// @throws PageserverException.Unavailable when it is cancelled, or an input has gone
  Result run() throws IOException {
    hold();
    try (var sources = new MergeSources(plan.inputs(), plan.reasons())) {
      Key end = null;
      boolean more = sources.next();
      for (long keys = 1; more; keys++) {
        LayerCursor version = sources.cursor();
        if (mayEndHere(sources, version, keys)) {
          end = Key.of(version.upper(), version.middle(), version.lower());
          break;
        }
        more = mergeKey(sources, version.upper(), version.middle(), version.lower());
      }
      return new Result(List.copyOf(sources.opened()), end, output.finish());
    }
  }

  private void hold() {
    for (HistoricLayer input : plan.inputs()) {
      if (!input.layer().acquire()) {
        throw new PageserverException.Unavailable("layer " + input.entry().name() + " has gone");
      }
      held.add(input);
    }
  }

  private boolean mergeKey(MergeSources sources, long upper, long middle, long lower)
      throws IOException {
    boolean more = true;
    while (more) {
      LayerCursor version = sources.cursor();
      if (version.lower() != lower || version.middle() != middle || version.upper() != upper) {
        break;
      }
      kept.add(version);
      bytesRead += version.length();
      more = sources.next();
    }
    kept.endKey();
    return more;
  }

  private boolean mayEndHere(MergeSources sources, LayerCursor next, long keys) {
    if (keys % KEYS_BETWEEN_LOOKS == 0) {
      if (cancelled.getAsBoolean()) {
        throw new PageserverException.Unavailable("the merge was cancelled");
      }
      if (output.bytes() > 0 && urgent.getAsBoolean()) {
        return true;
      }
    }
    if (output.bytes() >= plan.sliceBytes()) {
      return true;
    }
    Key until = plan.until();
    if (keys == 1
        || Key.compare(
                next.upper(),
                next.middle(),
                next.lower(),
                until.upper(),
                until.middle(),
                until.lower())
            <= 0) {
      return false;
    }
    return sources.activeReasons() < plan.least();
  }

  /// Bytes of the versions that were merged.
  long bytesRead() {
    return bytesRead;
  }

  /// From now on the outputs stay.
  void setCommitted() {
    output.setCommitted();
  }

  @Override
  public void close() throws IOException {
    try {
      output.close();
    } finally {
      kept.close();
      held.forEach(input -> input.layer().release());
      held.clear();
    }
  }
}
