package dev.varve.postgres.backup;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/// The history of a PostgreSQL timeline: the ones that it descends from, oldest first, and where
/// each was left. Its file is named by the PostgreSQL timeline, in eight hex digits, and
/// `.history`.
///
/// A line for each: its number, a tab, the LSN where it was left, a tab, the reason. Empty lines
/// and what follows a `#` at the start of a line are skipped. PostgreSQL's `access/timeline.c`.
///
/// @param entries in ascending order of their numbers and of their LSNs
public record TimelineHistory(List<Entry> entries) {

  /// Of a PostgreSQL timeline that descends from none.
  public static final TimelineHistory NONE = new TimelineHistory(List.of());

  private static final String SUFFIX = ".history";

  /// @param tli PostgreSQL timeline, unsigned, not 0
  /// @param end the first LSN that is not on it any more
  public record Entry(int tli, Lsn end, String reason) {

    public Entry {
      if (tli == 0) {
        throw new IllegalArgumentException("no PostgreSQL timeline has the number 0");
      }
      if (reason.indexOf('\n') >= 0) {
        throw new IllegalArgumentException("a reason of two lines: " + reason);
      }
    }
  }

  /// @throws IllegalArgumentException if the entries are not in order
  public TimelineHistory {
    entries = List.copyOf(entries);
    for (int i = 1; i < entries.size(); i++) {
      Entry before = entries.get(i - 1);
      Entry entry = entries.get(i);
      if (Integer.compareUnsigned(before.tli(), entry.tli()) >= 0
          || before.end().isAfter(entry.end())) {
        throw new IllegalArgumentException("%s does not follow %s".formatted(entry, before));
      }
    }
  }

  /// @throws PageserverException.DataCorrupted naming the line that can't be read
  public static TimelineHistory parse(byte[] file) {
    List<Entry> entries = new ArrayList<>();
    for (String line : new String(file, StandardCharsets.UTF_8).split("\n", -1)) {
      String text = line.strip();
      if (!text.isEmpty() && !text.startsWith("#")) {
        entries.add(entry(text));
      }
    }
    try {
      return new TimelineHistory(entries);
    } catch (IllegalArgumentException e) {
      throw new PageserverException.DataCorrupted(
          "a history of a PostgreSQL timeline is out of order: " + e.getMessage(), e);
    }
  }

  private static Entry entry(String line) {
    String[] fields = line.split("\\s+", 3);
    int tli = Names.number(fields[0]);
    if (tli == 0 || fields.length < 2) {
      throw new PageserverException.DataCorrupted(
          "a history of a PostgreSQL timeline has the line \"" + line + "\"");
    }
    try {
      return new Entry(tli, Lsn.parse(fields[1]), fields.length == 3 ? fields[2] : "");
    } catch (IllegalArgumentException e) {
      throw new PageserverException.DataCorrupted(
          "a history of a PostgreSQL timeline has the line \"" + line + "\"", e);
    }
  }

  /// The history of a PostgreSQL timeline that leaves `tli`, whose history this is, at `at`.
  public TimelineHistory branch(int tli, Lsn at, String reason) {
    List<Entry> longer = new ArrayList<>(entries);
    longer.add(new Entry(tli, at, reason));
    return new TimelineHistory(longer);
  }

  /// The file's contents.
  public byte[] toBytes() {
    var text = new StringBuilder();
    for (Entry entry : entries) {
      text.append(Integer.toUnsignedString(entry.tli()))
          .append('\t')
          .append(entry.end())
          .append('\t')
          .append(entry.reason())
          .append('\n');
    }
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  public static String fileName(int tli) {
    return String.format(Locale.ROOT, "%08X", tli) + SUFFIX;
  }

  /// The PostgreSQL timeline whose history file has this name; empty if it is no such name.
  public static OptionalInt parseFileName(String name) {
    if (name.length() != 8 + SUFFIX.length() || !name.endsWith(SUFFIX)) {
      return OptionalInt.empty();
    }
    String digits = name.substring(0, 8);
    return Names.isUpperHex(digits)
        ? OptionalInt.of(Integer.parseUnsignedInt(digits, 16))
        : OptionalInt.empty();
  }
}
