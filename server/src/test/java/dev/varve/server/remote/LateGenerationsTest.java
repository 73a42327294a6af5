package dev.varve.server.remote;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.remote.StoreException;
import dev.varve.remote.generation.FileGenerations;
import dev.varve.remote.generation.Generations;
import dev.varve.remote.generation.GenerationsContract;
import dev.varve.remote.generation.ToldGenerations;
import java.nio.file.Path;
import java.time.InstantSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// An authority that is opened late, as a server has it, is one.
class LateGenerationsTest extends GenerationsContract {

  @TempDir private Path directory;
  private Generations generations;
  private boolean away;

  @BeforeEach
  void open() {
    var late =
        new LateGenerations(() -> {
          if (away) {
            throw new StoreException.Unavailable("it is not there");
          }
          return FileGenerations.open(directory.resolve("generations"));
        });
    generations = new ToldGenerations(late, InstantSource.system());
  }

  @Override
  protected Generations generations() {
    return generations;
  }

  @Test
  void itNeedNotBeThereAtFirst() throws Exception {
    away = true;
    var tenant = tenant();
    assertThatThrownBy(() -> generations.attachIfNewest(tenant, generation(0), generation(0)))
        .isInstanceOf(StoreException.Unavailable.class)
        .hasMessage("it is not there");
    away = false;
    assertThat(generations.attach(tenant, generation(0))).isEqualTo(generation(1));
  }
}
