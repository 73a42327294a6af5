package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Redo of one change of each record type, from the logs of real servers.
class ChangeSampleTest {

  private static final int ATTEMPTS = 100;
  private static final int ROUNDS = 500;

  private static PgVersion version(String name) {
    return PgVersion.ofMajor(Integer.parseInt(name.replaceAll("\\D", "")));
  }

  @Test
  void hasSamplesOfAllVersions() throws Exception {
    assertThat(ChangeSample.names())
        .contains("14", "15", "16", "17", "18")
        .contains("btree-14", "btree-15", "btree-16", "btree-17", "btree-18")
        .contains("hash-14", "hash-16", "hash-17")
        .contains("gin-14", "gin-18")
        .contains("gist-14", "gist-18", "spgist-14", "spgist-18");
  }

  @ParameterizedTest
  @MethodSource("dev.varve.redo.ChangeSample#names")
  void makesThePageThatTheServerHad(String name) throws Exception {
    var redo = new Redo(version(name));
    List<ChangeSample> samples = ChangeSample.of(name);
    assertThat(samples).hasSizeGreaterThan(35);
    for (ChangeSample sample : samples) {
      MemorySegment page = copy(sample.before());
      redo.apply(sample.key(), sample.lsn(), page, sample.change());
      assertThat(page.mismatch(sample.after())).as("%s", sample).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource("dev.varve.redo.ChangeSample#names")
  void skipsWhatThePageAlreadyHas(String name) throws Exception {
    var redo = new Redo(version(name));
    for (ChangeSample sample : ChangeSample.of(name)) {
      MemorySegment page = copy(sample.before());
      Page.setLsn(page, sample.lsn());
      MemorySegment before = copy(page);
      redo.apply(sample.key(), sample.lsn(), page, sample.change());
      boolean initializes = (sample.change().get(PgLayout.BYTE, 4) & 1) != 0;
      assertThat(page.mismatch(initializes ? sample.after() : before))
          .as("%s", sample)
          .isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource("dev.varve.redo.ChangeSample#names")
  void refusesATruncatedChange(String name) throws Exception {
    var redo = new Redo(version(name));
    for (ChangeSample sample : ChangeSample.of(name)) {
      for (int length = 0; length < sample.change().byteSize(); length++) {
        applyDamaged(redo, sample, sample.change().asSlice(0, length), copy(sample.before()));
      }
    }
  }

  /// What redo of each sample allocates when the compiler has done its work.
  @ParameterizedTest
  @MethodSource("dev.varve.redo.ChangeSample#names")
  void allocatesNothing(String name) throws Exception {
    var redo = new Redo(version(name));
    List<ChangeSample> samples = ChangeSample.of(name);
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    var thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    double bytes = Double.MAX_VALUE;
    for (int attempt = 0; attempt < ATTEMPTS && bytes >= 1; attempt++) {
      long before = thread.getCurrentThreadAllocatedBytes();
      for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < samples.size(); i++) {
          ChangeSample sample = samples.get(i);
          MemorySegment.copy(sample.before(), 0, page, 0, Page.SIZE);
          redo.apply(sample.key(), sample.lsn(), page, sample.change());
        }
      }
      long allocated = thread.getCurrentThreadAllocatedBytes() - before;
      bytes = allocated / ((double) ROUNDS * samples.size());
    }
    assertThat(bytes).as("bytes a change").isLessThan(1);
  }

  private static void applyDamaged(
      Redo redo, ChangeSample sample, MemorySegment change, MemorySegment page) {
    MemorySegment header = copy(page.asSlice(0, 100));
    try {
      redo.apply(sample.key(), sample.lsn(), page, change);
    } catch (PageserverException e) {
      if (e.getCause() instanceof IndexOutOfBoundsException) {
        fail("%s left its bounds".formatted(sample), e.getCause());
      }
    } catch (RuntimeException e) {
      fail(
          "%s failed on the change %s and the page %s".formatted(sample, hex(change), hex(header)),
          e);
    }
  }

  private static MemorySegment copy(MemorySegment bytes) {
    return MemorySegment.ofArray(bytes.toArray(PgLayout.BYTE));
  }

  private static String hex(MemorySegment bytes) {
    return HexFormat.of().formatHex(bytes.toArray(PgLayout.BYTE));
  }
}
