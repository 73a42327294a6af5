package dev.varve.redo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Redo of one change of each record type, from the logs of real servers, and of damaged ones.
class ChangeSampleTest {

  private static final int FUZZ_ROUNDS = 400;

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

  @ParameterizedTest
  @MethodSource("dev.varve.redo.ChangeSample#names")
  void survivesDamagedChangesAndPages(String name) throws Exception {
    var redo = new Redo(version(name));
    var random = new SplittableRandom(name.hashCode());
    for (ChangeSample sample : ChangeSample.of(name)) {
      for (int round = 0; round < FUZZ_ROUNDS; round++) {
        MemorySegment change = copy(sample.change());
        MemorySegment page = copy(sample.before());
        if (random.nextInt(3) > 0) {
          damage(random, change, (int) change.byteSize());
        }
        if (random.nextInt(3) > 0) {
          damage(random, page, pageArea(random, page));
        }
        applyDamaged(redo, sample, change, page);
      }
    }
  }

  /// How far damage goes: into the header, the line pointers, or anywhere.
  private static int pageArea(SplittableRandom random, MemorySegment page) {
    return switch (random.nextInt(3)) {
      case 0 -> Page.HEADER;
      case 1 -> Math.clamp(Page.lower(page), Page.HEADER, Page.SIZE);
      default -> Page.SIZE;
    };
  }

  private static void damage(SplittableRandom random, MemorySegment bytes, int end) {
    int count = 1 + random.nextInt(4);
    for (int i = 0; i < count; i++) {
      int at = random.nextInt(end);
      byte value =
          switch (random.nextInt(4)) {
            case 0 -> 0;
            case 1 -> (byte) 0xFF;
            case 2 -> (byte) (bytes.get(PgLayout.BYTE, at) ^ (1 << random.nextInt(8)));
            default -> (byte) random.nextInt();
          };
      bytes.set(PgLayout.BYTE, at, value);
    }
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
