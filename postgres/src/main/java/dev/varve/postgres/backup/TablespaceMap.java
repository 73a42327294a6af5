package dev.varve.postgres.backup;

import dev.varve.model.PageserverException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/// The file `tablespace_map` of a backup: where the tablespaces are.
///
/// A line for each: its OID in decimal, a space, the folder. In the folder's name a newline, a
/// carriage return or a backslash has a backslash before it. PostgreSQL's `access/xlogrecovery.c`.
public final class TablespaceMap {

  private TablespaceMap() {}

  /// The folder of each tablespace by its OID, in the file's order.
  ///
  /// @throws PageserverException.DataCorrupted naming the entry that can't be read
  public static Map<Integer, String> parse(byte[] file) {
    Map<Integer, String> folders = new LinkedHashMap<>();
    var entry = new StringBuilder();
    String text = new String(file, StandardCharsets.UTF_8);
    boolean escaped = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!escaped && c == '\\') {
        escaped = true;
      } else if (!escaped && (c == '\n' || c == '\r')) {
        add(entry.toString(), folders);
        entry.setLength(0);
      } else {
        entry.append(c);
        escaped = false;
      }
    }
    if (escaped) {
      throw new PageserverException.DataCorrupted("tablespace_map ends within an entry");
    }
    add(entry.toString(), folders);
    return folders;
  }

  private static void add(String entry, Map<Integer, String> folders) {
    if (entry.isEmpty()) {
      return;
    }
    int space = entry.indexOf(' ');
    int tablespace = Names.number(entry.substring(0, Math.max(space, 0)));
    if (tablespace == 0 || space == entry.length() - 1) {
      throw new PageserverException.DataCorrupted("tablespace_map has the entry \"" + entry + "\"");
    }
    if (folders.put(tablespace, entry.substring(space + 1)) != null) {
      throw new PageserverException.DataCorrupted(
          "tablespace_map names tablespace " + Integer.toUnsignedString(tablespace) + " twice");
    }
  }

  /// The file's contents.
  public static byte[] toBytes(Map<Integer, String> folders) {
    var text = new StringBuilder();
    folders.forEach((tablespace, folder) -> {
      text.append(Integer.toUnsignedString(tablespace)).append(' ');
      folder.chars().forEach(c -> append((char) c, text));
      text.append('\n');
    });
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void append(char c, StringBuilder text) {
    if (c == '\n' || c == '\r' || c == '\\') {
      text.append('\\');
    }
    text.append(c);
  }
}
