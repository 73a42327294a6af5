package dev.varve.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// What every object store must do when several use it at once.
public abstract class ConcurrentUseContract extends StoreFixture {

  /// Each of many adds one to a number, from two nodes at once. None of it is lost.
  @Test
  void conditionsHoldAmongMany() throws Exception {
    assumeTrue(hasAtomicConditions());
    put("number", "0");
    ObjectStore other = another();
    List<Callable<Integer>> work = new ArrayList<>();
    var first = new CyclicBarrier(8);
    for (int i = 0; i < 8; i++) {
      ObjectStore store = i % 2 == 0 ? store() : other;
      work.add(() -> addOne(store, 5, first));
    }
    int conflicts = 0;
    try (other;
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Integer> each : threads.invokeAll(work)) {
        conflicts += each.get();
      }
    }
    assertThat(get("number")).asString().isEqualTo("40");
    assertThat(conflicts).isGreaterThanOrEqualTo(7);
  }

  /// @param first where all meet before the first of them writes
  private static int addOne(ObjectStore store, int times, CyclicBarrier first) throws Exception {
    int conflicts = 0;
    for (int done = 0; done < times; ) {
      ByteBuffer old = ByteBuffer.allocate(10);
      ObjectState state = store.get(name("number"), ByteRange.WHOLE, Sink.to(old), LIMIT);
      int number =
          Integer.parseInt(new String(old.array(), 0, (int) state.size(), StandardCharsets.UTF_8));
      Content next = Content.of(String.valueOf(number + 1).getBytes(StandardCharsets.UTF_8));
      if (done + conflicts == 0) {
        first.await(1, TimeUnit.MINUTES);
      }
      try {
        store.put(name("number"), next, new PutCondition.IfMatches(state.etag()), LIMIT);
        done++;
      } catch (StoreException.PreconditionFailed | StoreException.Unavailable e) {
        conflicts++;
      }
    }
    return conflicts;
  }

  @Test
  void ofManyWhoCreateOneSucceeds() throws Exception {
    List<Callable<Boolean>> work = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      byte[] mine = {(byte) i};
      work.add(() -> {
        try {
          put("once", mine, PutCondition.IF_ABSENT);
          return true;
        } catch (StoreException.PreconditionFailed | StoreException.Unavailable e) {
          return false;
        }
      });
    }
    int winners = 0;
    int winner = -1;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> results = threads.invokeAll(work);
      for (int i = 0; i < results.size(); i++) {
        if (results.get(i).get()) {
          winners++;
          winner = i;
        }
      }
    }
    assertThat(winners).isEqualTo(1);
    assertThat(get("once")).isEqualTo(new byte[] {(byte) winner});
  }

  @Test
  void anotherNodeSeesTheSame() throws IOException, InterruptedException {
    ObjectState put = put("a/b", "shared");
    try (ObjectStore other = another()) {
      assertThat(other.head(name("a/b"), LIMIT).etag()).isEqualTo(put.etag());
    }
  }

  /// Readers see what one of the writers wrote, whole.
  @Test
  void whoReadsWhileOthersWriteGetsOneOrTheOther() throws Exception {
    byte[] zeros = new byte[300_000];
    byte[] ones = new byte[200_000];
    Arrays.fill(ones, (byte) 1);
    put("a", zeros, PutCondition.ALWAYS);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Boolean> writer =
          threads.submit(() -> {
            for (int i = 0; i < 20; i++) {
              put("a", i % 2 == 0 ? ones : zeros, PutCondition.ALWAYS);
            }
            return true;
          });
      while (!writer.isDone()) {
        ByteBuffer target = ByteBuffer.allocate(zeros.length);
        ObjectState state = store().get(name("a"), ByteRange.WHOLE, Sink.to(target), LIMIT);
        byte[] expected = state.size() == ones.length ? ones : zeros;
        assertThat(target.slice(0, (int) state.size())).isEqualTo(ByteBuffer.wrap(expected));
      }
      writer.get();
    }
  }
}
