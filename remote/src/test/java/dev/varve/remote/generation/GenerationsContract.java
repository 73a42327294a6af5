package dev.varve.remote.generation;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.TenantId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/// What every authority over generations must do.
public abstract class GenerationsContract {

  protected abstract Generations generations();

  /// Nobody else uses it.
  protected final TenantId tenant() {
    UUID id = UUID.randomUUID();
    return new TenantId(id.getMostSignificantBits(), id.getLeastSignificantBits());
  }

  protected static Generation generation(int value) {
    return new Generation(value);
  }

  @Test
  void eachAttachIsHigher() throws Exception {
    TenantId tenant = tenant();
    for (int i = 1; i <= 5; i++) {
      assertThat(generations().attach(tenant, Generation.NONE)).isEqualTo(generation(i));
    }
    assertThat(generations().attach(tenant(), Generation.NONE)).isEqualTo(generation(1));
  }

  @Test
  void anAttachIsHigherThanWhatObjectsCarry() throws Exception {
    TenantId tenant = tenant();
    assertThat(generations().attach(tenant, generation(7))).isEqualTo(generation(8));
    assertThat(generations().attach(tenant, generation(3))).isEqualTo(generation(9));
    assertThat(generations().attach(tenant, generation(-3))).isEqualTo(generation(-2));
    assertThat(generations().attach(tenant, generation(1)))
        .as("they are unsigned")
        .isEqualTo(generation(-1));
  }

  @Test
  void onlyTheLastIsTheNewest() throws Exception {
    TenantId tenant = tenant();
    TenantId never = tenant();
    Generation first = generations().attach(tenant, Generation.NONE);
    assertThat(generations().newest(List.of(tenant))).isEqualTo(Map.of(tenant, first));
    Generation second = generations().attach(tenant, Generation.NONE);
    assertThat(second).isGreaterThan(first);
    assertThat(generations().newest(List.of(tenant, never)))
        .isEqualTo(Map.of(tenant, second, never, Generation.NONE));
    assertThat(generations().newest(List.of())).isEmpty();
  }

  @Test
  void whoIsTheNewestGetsTheNext() throws Exception {
    TenantId tenant = tenant();
    assertThat(generations().attachIfNewest(tenant, Generation.NONE, Generation.NONE))
        .isEqualTo(new Claim.Granted(generation(1)));
    assertThat(generations().attachIfNewest(tenant, generation(1), Generation.NONE))
        .isEqualTo(new Claim.Granted(generation(2)));
    assertThat(generations().attachIfNewest(tenant, generation(2), generation(9)))
        .isEqualTo(new Claim.Granted(generation(10)));
    assertThat(generations().newest(List.of(tenant))).isEqualTo(Map.of(tenant, generation(10)));
  }

  @Test
  void whoIsNotTheNewestGetsNothing() throws Exception {
    TenantId tenant = tenant();
    assertThat(generations().attachIfNewest(tenant, generation(3), generation(3)))
        .isEqualTo(new Claim.Outdated(Generation.NONE, Optional.empty()));
    Generation first = generations().attach(tenant, Generation.NONE);
    Generation second = generations().attach(tenant, Generation.NONE);
    for (Generation expected : List.of(Generation.NONE, first, second.next())) {
      assertThat(generations().attachIfNewest(tenant, expected, generation(7)))
          .isEqualTo(new Claim.Outdated(second, Optional.empty()));
    }
    assertThat(generations().newest(List.of(tenant))).isEqualTo(Map.of(tenant, second));
  }

  @Test
  void ofManyThatExpectTheSameOneGetsTheNext() throws Exception {
    TenantId tenant = tenant();
    Generation first = generations().attach(tenant, Generation.NONE);
    List<Callable<Claim>> work =
        Collections.nCopies(8, () -> generations().attachIfNewest(tenant, first, first));
    var granted = new ArrayList<Claim>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<Claim> each : threads.invokeAll(work)) {
        if (each.get() instanceof Claim.Granted claim) {
          granted.add(claim);
        }
      }
    }
    assertThat(granted).containsExactly(new Claim.Granted(first.next()));
  }

  @Test
  void manyAreAskedForAtOnce() throws Exception {
    var expected = new HashMap<TenantId, Generation>();
    for (int i = 0; i < 250; i++) {
      TenantId tenant = tenant();
      expected.put(tenant, generations().attach(tenant, generation(i)));
    }
    assertThat(generations().newest(expected.keySet())).isEqualTo(expected);
  }

  @Test
  void noTwoAttachesGetTheSame() throws Exception {
    TenantId tenant = tenant();
    var work = new ArrayList<Callable<List<Generation>>>();
    for (int i = 0; i < 6; i++) {
      work.add(() -> {
        var given = new ArrayList<Generation>();
        for (int j = 0; j < 10; j++) {
          given.add(generations().attach(tenant, Generation.NONE));
        }
        return given;
      });
    }
    var all = new ArrayList<Generation>();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Future<List<Generation>> each : threads.invokeAll(work)) {
        assertThat(each.get()).isSorted();
        all.addAll(each.get());
      }
    }
    assertThat(all).hasSize(60).doesNotHaveDuplicates();
    assertThat(generations().newest(List.of(tenant))).isEqualTo(Map.of(tenant, generation(60)));
  }
}
