package dev.varve.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.varve.model.Key;
import dev.varve.model.KeyRange;
import dev.varve.model.Lsn;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What writers refuse, and what they say of what they wrote.
class LayerFileWriterTest {

  private static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  private static final MemorySegment BYTES = MemorySegment.ofArray(new byte[10]);

  @TempDir private Path directory;
  private Path file;

  @BeforeEach
  void name() {
    file = directory.resolve("layer.temp");
  }

  private DeltaLayerWriter writer() throws IOException {
    return new DeltaLayerWriter(file, LayerFixture.OWNER, Compression.NONE);
  }

  private static void add(DeltaLayerWriter writer, Key key, long lsn) throws IOException {
    writer.add(key.upper(), key.middle(), key.lower(), lsn, false, false, BYTES, 0, 10);
  }

  @Test
  void rangesAreAsNarrowAsWhatWasAdded() throws IOException {
    try (DeltaLayerWriter writer = writer()) {
      add(writer, KEY, 30);
      add(writer, KEY.next(), 20);
      FinishedLayer layer = writer.finish();
      assertThat(layer.name().keys()).isEqualTo(new KeyRange(KEY, KEY.next().next()));
      assertThat(layer.name().lsns()).isEqualTo(new LsnRange(new Lsn(20), new Lsn(31)));
      assertThat(layer.size()).isEqualTo(Files.size(file));
    }
    assertThat(file).exists();
  }

  @Test
  void rangesAreAsWideAsSaidButNeverNarrowerThanWhatWasAdded() throws IOException {
    var lsns = new LsnRange(new Lsn(10), new Lsn(40));
    try (DeltaLayerWriter writer = writer()) {
      add(writer, KEY, 30);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.finish(KeyRange.ALL, new LsnRange(new Lsn(10), new Lsn(30))));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.finish(new KeyRange(Key.MIN, KEY), lsns));
      assertThat(writer.finish(KeyRange.ALL, lsns).name())
          .isEqualTo(LayerName.delta(KeyRange.ALL, lsns));
    }
  }

  @Test
  void refusesWhatIsNotInOrder() throws IOException {
    try (DeltaLayerWriter writer = writer()) {
      add(writer, KEY, 30);
      assertThatIllegalArgumentException().isThrownBy(() -> add(writer, KEY, 30));
      assertThatIllegalArgumentException().isThrownBy(() -> add(writer, KEY, 29));
      assertThatIllegalArgumentException().isThrownBy(() -> add(writer, Key.MIN, 31));
      add(writer, KEY, 31);
      assertThat(writer.finish().versions()).isEqualTo(2);
      assertThatIllegalStateException().isThrownBy(() -> add(writer, KEY, 32));
    }
  }

  @Test
  void anImageLayerHasAKeyOnce() throws IOException {
    try (var writer =
        new ImageLayerWriter(file, LayerFixture.OWNER, new Lsn(5), Compression.NONE)) {
      writer.add(0, 0, 1, BYTES, 0, 10);
      assertThatIllegalArgumentException().isThrownBy(() -> writer.add(0, 0, 1, BYTES, 0, 10));
    }
  }

  @Test
  void aLayerHasVersions() throws IOException {
    try (DeltaLayerWriter writer = writer()) {
      assertThatIllegalStateException().isThrownBy(writer::finish);
    }
    assertThat(file).doesNotExist();
  }

  @Test
  void writesOverNoFile() throws IOException {
    Files.createFile(file);
    assertThatThrownBy(this::writer).isInstanceOf(FileAlreadyExistsException.class);
    assertThat(file).exists();
  }

  @Test
  void veryManyVersionsOfNoBytesAreDividedToo() throws IOException {
    int count = 20_000;
    try (DeltaLayerWriter writer = writer()) {
      for (int i = 0; i < count; i++) {
        writer.add(0, 0, i / 100, 1 + i % 100, false, false, BYTES, 0, 0);
      }
      FinishedLayer layer = writer.finish();
      try (var files = new LayerFiles(new BlockCache(0), 1);
          DeltaLayer written = LayerFixture.open(files, layer)) {
        written.verify();
        assertThat(LayerFixture.walk(written, KeyRange.ALL)).hasSize(count);
      }
    }
  }
}
