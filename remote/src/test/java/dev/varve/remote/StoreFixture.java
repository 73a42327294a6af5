package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;

/// An object store to be tested, and how the tests use it.
public abstract class StoreFixture {

  protected static final Duration LIMIT = Duration.ofSeconds(30);

  @TempDir protected Path scratch;

  /// An empty one.
  protected abstract ObjectStore store();

  /// Another one with the same objects, as another node would have it.
  protected abstract ObjectStore another();

  /// Whether a condition holds until it is acted on, whatever others do meanwhile.
  protected boolean hasAtomicConditions() {
    return true;
  }

  /// Whether there may be an object `a` and an object `a/b`.
  protected boolean namesMayNest() {
    return true;
  }

  protected static ObjectName name(String value) {
    return new ObjectName(value);
  }

  protected static byte[] random(int size, long seed) {
    var bytes = new byte[size];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  protected ObjectState put(String name, byte[] bytes, PutCondition condition)
      throws IOException, InterruptedException {
    return store().put(name(name), Content.of(bytes), condition, LIMIT);
  }

  protected ObjectState put(String name, String text) throws IOException, InterruptedException {
    return put(name, text.getBytes(StandardCharsets.UTF_8), PutCondition.ALWAYS);
  }

  protected byte[] get(String name) throws IOException, InterruptedException {
    long size = store().head(name(name), LIMIT).size();
    ByteBuffer target = ByteBuffer.allocate(Math.toIntExact(size));
    ObjectState state = store().get(name(name), ByteRange.WHOLE, Sink.to(target), LIMIT);
    assertThat(state.size()).isEqualTo(size);
    return target.array();
  }
}
