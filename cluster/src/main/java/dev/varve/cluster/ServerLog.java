package dev.varve.cluster;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// The file that takes what PostgreSQL's programs say, and what they said last.
final class ServerLog {

  private static final int TAIL_LINES = 20;
  private static final int TAIL_BYTES = 16 << 10;

  private final Path file;
  private long begin;

  ServerLog(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  /// A program starts: the tail shall hold nothing older.
  void begin() throws IOException {
    begin = Files.exists(file) ? Files.size(file) : 0;
  }

  /// The last lines since the last {@link #begin()}.
  String tail() {
    try (var bytes = new RandomAccessFile(file.toFile(), "r")) {
      long length = bytes.length();
      bytes.seek(Math.max(begin, length - TAIL_BYTES));
      var end = new byte[(int) (length - bytes.getFilePointer())];
      bytes.readFully(end);
      List<String> lines = new String(end, StandardCharsets.UTF_8).lines().toList();
      return String.join("\n", lines.subList(Math.max(0, lines.size() - TAIL_LINES), lines.size()));
    } catch (IOException e) {
      return "(no log: " + e.getMessage() + ")";
    }
  }
}
