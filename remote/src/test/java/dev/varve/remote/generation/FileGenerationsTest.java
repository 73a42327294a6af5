package dev.varve.remote.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.TenantId;
import dev.varve.remote.StoreException;
import dev.varve.testkit.disk.DiskFault;
import dev.varve.testkit.disk.SimulatedDisk;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FileGenerationsTest extends GenerationsContract {

  private static final TenantId TENANT = new TenantId(0x0123456789abcdefL, 0xfedcba9876543210L);

  @TempDir private Path directory;
  private Path file;
  private Generations generations;

  @BeforeEach
  void open() throws StoreException {
    file = directory.resolve("generations");
    generations = FileGenerations.open(file);
  }

  @Override
  protected Generations generations() {
    return generations;
  }

  @Test
  void theFileIsText() throws Exception {
    generations.attach(TENANT, generation(30));
    assertThat(file)
        .hasContent(
            """
            varve generations 1
            0123456789abcdeffedcba9876543210 0000001f
            crc32c 9093be7f
            """);
  }

  @Test
  void whatWasGivenSurvives() throws Exception {
    Generation given = generations.attach(TENANT, Generation.NONE);
    Generations again = FileGenerations.open(file);
    assertThat(again.newest(List.of(TENANT))).isEqualTo(Map.of(TENANT, given));
    assertThat(again.attach(TENANT, Generation.NONE)).isEqualTo(generation(2));
  }

  @Test
  void whatIsDamagedIsSaid() throws Exception {
    generations.attach(TENANT, Generation.NONE);
    byte[] whole = Files.readAllBytes(file);
    for (int bit = 0; bit < 8 * whole.length; bit++) {
      byte[] flipped = whole.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      Files.write(file, flipped);
      assertThatThrownBy(() -> FileGenerations.open(file))
          .as("bit %d", bit)
          .isInstanceOf(StoreException.Damaged.class)
          .hasMessageContaining(file.toString());
    }
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> FileGenerations.open(file))
          .as("cut to %d", length)
          .isInstanceOf(StoreException.Damaged.class);
    }
  }

  @Test
  void anInterruptIsNoFailureOfTheDisk() throws Exception {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> generations.attach(TENANT, Generation.NONE))
        .isInstanceOf(InterruptedException.class);
    assertThat(generations.attach(TENANT, Generation.NONE)).isEqualTo(generation(2));
  }

  /// Whatever fails, and whenever the power goes: no generation is given twice.
  @ParameterizedTest
  @EnumSource(DiskFault.class)
  void noGenerationIsGivenTwice(DiskFault fault) throws Exception {
    for (int at = 0; at < 12; at++) {
      for (int seed = 0; seed < 20; seed++) {
        var disk = new SimulatedDisk();
        Path path = disk.root().resolve("generations");
        Generations before = FileGenerations.open(path);
        disk.failAt(at, fault);
        disk.dieAt(at + seed % 12);
        int highest = 0;
        for (int i = 0; i < 4; i++) {
          try {
            Generation given = before.attach(TENANT, Generation.NONE);
            assertThat(given).isGreaterThan(generation(highest));
            highest = given.value();
          } catch (StoreException.Unavailable e) {
            assertThat(e).hasMessageContaining("gets no generation");
          }
        }
        SimulatedDisk after = disk.crash(new SplittableRandom(seed));
        Generations again = FileGenerations.open(after.root().resolve("generations"));
        assertThat(again.attach(TENANT, Generation.NONE)).isGreaterThan(generation(highest));
      }
    }
  }
}
