package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.slru.Slru;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// Pages in the files of a data directory, by the keys that the oracle gives them: those of
/// relations (kind 0), and of SLRUs (kind 1: which one in `tablespace`, page number in `block`).
final class OraclePages {

  static final int RELATION = 0;
  static final int SLRU = 1;

  private static final int DEFAULT_TABLESPACE = 1663;
  private static final int GLOBAL_TABLESPACE = 1664;
  private static final int BLOCKS_PER_FILE = 131_072;
  private static final String[] FORKS = {"", "_fsm", "_vm", "_init"};

  private static final List<Slru> SLRUS = List.of(Slru.values());

  private final Path dataDirectory;

  OraclePages(Path dataDirectory) {
    this.dataDirectory = dataDirectory;
  }

  static Key slru(Slru slru, int page) {
    return new Key(SLRU, SLRUS.indexOf(slru), 0, 0, 0, page);
  }

  static Slru slruOf(Key key) {
    return SLRUS.get(key.tablespace());
  }

  /// The page as it is in its file, or null when the file is not there or ends before it.
  @Nullable MemorySegment read(Key key) {
    Path path = path(key);
    int perFile = key.kind() == SLRU ? Slru.PAGES_PER_SEGMENT : BLOCKS_PER_FILE;
    long offset = Integer.remainderUnsigned(key.block(), perFile) * (long) Page.SIZE;
    if (!Files.exists(path)) {
      return null;
    }
    try (var file = new RandomAccessFile(path.toFile(), "r")) {
      if (file.length() < offset + Page.SIZE) {
        return null;
      }
      byte[] bytes = new byte[Page.SIZE];
      file.seek(offset);
      file.readFully(bytes);
      return MemorySegment.ofArray(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path path(Key key) {
    if (key.kind() == SLRU) {
      int segment = Slru.segment(key.block());
      return dataDirectory.resolve(slruOf(key).directory()).resolve(Slru.fileName(segment));
    }
    int segment = Integer.divideUnsigned(key.block(), BLOCKS_PER_FILE);
    String name =
        Integer.toUnsignedString(key.relation())
            + FORKS[key.fork()]
            + (segment == 0 ? "" : "." + segment);
    String folder =
        switch (key.tablespace()) {
          case DEFAULT_TABLESPACE -> "base/" + Integer.toUnsignedString(key.database());
          case GLOBAL_TABLESPACE -> "global";
          default ->
              throw new IllegalArgumentException(
                  String.format(
                      Locale.ROOT, "the oracle knows no tablespace %d", key.tablespace()));
        };
    return dataDirectory.resolve(folder).resolve(name);
  }
}
