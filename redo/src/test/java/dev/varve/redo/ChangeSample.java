package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.page.Page;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;

/// A change of a real log, the page before it, and the page after it, which a server's own page was
/// found equal to. Samples of every record type are kept as files, so that redo, and the reading of
/// changes that were written long ago, can be tested without a server.
///
/// A file is gzip of any number of: type (modified UTF-8), key 18 bytes (three longs), LSN i64,
/// length i32 and bytes of the change, the two pages. `ChangeSampler` in the tests of `verify`
/// makes them.
record ChangeSample(
    String type,
    Key key,
    long lsn,
    MemorySegment change,
    MemorySegment before,
    MemorySegment after) {

  /// The files there are, without `.gz`.
  static List<String> names() throws IOException, URISyntaxException {
    URL folder = ChangeSample.class.getResource("/changes");
    if (folder == null) {
      throw new IOException("no folder of samples");
    }
    try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
      return files.map(file -> file.getFileName().toString().replace(".gz", "")).sorted().toList();
    }
  }

  static List<ChangeSample> of(String version) throws IOException {
    try (InputStream file = ChangeSample.class.getResourceAsStream("/changes/" + version + ".gz")) {
      if (file == null) {
        throw new IOException("no samples of " + version);
      }
      return read(file);
    }
  }

  private static List<ChangeSample> read(InputStream file) throws IOException {
    List<ChangeSample> samples = new ArrayList<>();
    var in = new DataInputStream(new GZIPInputStream(file));
    while (true) {
      String type;
      try {
        type = in.readUTF();
      } catch (EOFException e) {
        return samples;
      }
      Key key = Key.of(in.readLong(), in.readLong(), in.readLong());
      long lsn = in.readLong();
      MemorySegment change = bytes(in, in.readInt());
      samples.add(
          new ChangeSample(type, key, lsn, change, bytes(in, Page.SIZE), bytes(in, Page.SIZE)));
    }
  }

  private static MemorySegment bytes(InputStream in, int length) throws IOException {
    return MemorySegment.ofArray(in.readNBytes(length));
  }

  @Override
  public String toString() {
    return type + " of " + key + " at " + Long.toHexString(lsn);
  }
}
