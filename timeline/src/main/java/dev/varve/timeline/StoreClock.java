package dev.varve.timeline;

import dev.varve.remote.Content;
import dev.varve.remote.ObjectName;
import dev.varve.remote.PutCondition;
import dev.varve.remote.RemoteCall;
import dev.varve.remote.RemoteStorage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/// What time it is for an object store, which says when objects were put. The clock of this machine
/// may be off.
final class StoreClock {

  private static final ObjectName PROBE = new ObjectName("clock");

  private StoreClock() {}

  /// Puts an object for a moment.
  static Instant now(RemoteStorage storage, RemoteCall call)
      throws IOException, InterruptedException {
    Content text = Content.of("what time is it?".getBytes(StandardCharsets.UTF_8));
    storage.put(PROBE, text, PutCondition.ALWAYS, call);
    Instant now = storage.head(PROBE, call).modified();
    storage.delete(List.of(PROBE), call);
    return now;
  }
}
