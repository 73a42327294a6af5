package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MemoryBudgetTest {

  private final MemoryBudget budget = new MemoryBudget(100);

  @Test
  void takesWhatFits() {
    assertThat(budget.tryReserve(60)).isTrue();
    assertThat(budget.tryReserve(41)).isFalse();
    assertThat(budget.tryReserve(40)).isTrue();
    assertThat(budget.hasRoom()).isFalse();
    budget.release(1);
    assertThat(budget.hasRoom()).isTrue();
    assertThat(budget.used()).isEqualTo(99);
    assertThat(budget.peak()).isEqualTo(100);
  }

  @Test
  void moreThanTheLimitFitsAlone() throws InterruptedException {
    budget.reserve(1000);
    assertThat(budget.tryReserve(1)).isFalse();
    budget.release(1000);
    assertThat(budget.tryReserve(1)).isTrue();
  }

  @Test
  void overdrawsWhenTold() throws InterruptedException {
    budget.overdraw(150);
    assertThat(budget.used()).isEqualTo(150);
    assertThat(budget.awaitRoom(1000)).isFalse();
    assertThat(budget.waits()).isEqualTo(1);
    assertThat(budget.waitedNanos()).isPositive();
  }

  @Test
  void refusesNonsense() {
    assertThatIllegalStateException().isThrownBy(() -> budget.release(1));
    assertThatIllegalArgumentException().isThrownBy(() -> budget.overdraw(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> new MemoryBudget(0));
  }

  @Test
  void waitersGoOnWhenThereIsRoom() throws InterruptedException {
    budget.overdraw(150);
    Thread waiter =
        Thread.ofPlatform()
            .start(() -> {
              try {
                budget.awaitRoom(Long.MAX_VALUE);
                budget.reserve(90);
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    while (waiter.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    budget.release(51);
    while (budget.waits() < 2) {
      Thread.onSpinWait();
    }
    budget.release(99);
    waiter.join();
    assertThat(budget.used()).isEqualTo(90);
  }

  @Test
  void noReleaseIsMissed() throws InterruptedException {
    var most = new AtomicLong();
    var threads = new ArrayList<Thread>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                try {
                  for (int round = 0; round < 20_000; round++) {
                    budget.reserve(40);
                    most.accumulateAndGet(budget.used(), Math::max);
                    budget.release(40);
                  }
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(most.get()).isLessThanOrEqualTo(100);
    assertThat(budget.used()).isZero();
  }
}
