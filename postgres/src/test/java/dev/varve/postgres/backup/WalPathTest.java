package dev.varve.postgres.backup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.model.Lsn;
import org.junit.jupiter.api.Test;

class WalPathTest {

  private static final WalPath PATH =
      new WalPath(TimelineHistory.NONE.branch(1, new Lsn(100), "").branch(3, new Lsn(200), ""), 7);

  @Test
  void everyByteIsOfOneTimeline() {
    assertThat(PATH.tliAt(new Lsn(99))).isEqualTo(1);
    assertThat(PATH.tliAt(new Lsn(100))).isEqualTo(3);
    assertThat(PATH.tliAt(new Lsn(199))).isEqualTo(3);
    assertThat(PATH.tliAt(new Lsn(200))).isEqualTo(7);
    assertThat(PATH.endOf(1)).isEqualTo(new Lsn(100));
    assertThat(PATH.endOf(3)).isEqualTo(new Lsn(200));
    assertThat(PATH.endOf(7)).isEqualTo(Lsn.MAX);
    assertThat(PATH.tlisBetween(new Lsn(0), new Lsn(100))).containsExactly(1);
    assertThat(PATH.tlisBetween(new Lsn(50), new Lsn(150))).containsExactly(3, 1);
    assertThat(PATH.tlisBetween(new Lsn(100), new Lsn(201))).containsExactly(7, 3);
    assertThat(PATH.tlisBetween(new Lsn(0), new Lsn(1000))).containsExactly(7, 3, 1);
    assertThat(PATH.tlisBetween(new Lsn(300), new Lsn(400))).containsExactly(7);
    assertThat(WalPath.of(1).tliAt(Lsn.ZERO)).isEqualTo(1);
  }

  @Test
  void knowsItsPast() {
    assertThat(PATH.contains(1, new Lsn(100))).isTrue();
    assertThat(PATH.contains(1, new Lsn(101))).isFalse();
    assertThat(PATH.contains(2, new Lsn(1))).isFalse();
    assertThat(PATH.contains(3, new Lsn(200))).isTrue();
    assertThat(PATH.contains(7, new Lsn(1000))).isTrue();
    assertThat(PATH.contains(8, new Lsn(1))).isFalse();
  }
}
