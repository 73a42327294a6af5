package dev.varve.e2e;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.jspecify.annotations.Nullable;

/// The files of a data directory, each with the checksum of each of its pages: what a timeline was
/// as of an LSN. Two that were made of the same LSN are equal.
///
/// @param files by path; without the control file and the WAL, in which the server says when it
///   made them
record DirectoryDigest(Map<String, List<Long>> files) {

  private static final int PAGE = 8192;
  private static final Pattern MADE = Pattern.compile("global/pg_control|pg_wal/.*");

  /// @param tar a base backup, read to its end
  static DirectoryDigest of(InputStream tar) throws IOException {
    var files = new TreeMap<String, List<Long>>();
    try (var entries = new TarArchiveInputStream(new BufferedInputStream(tar))) {
      for (TarArchiveEntry entry = entries.getNextEntry();
          entry != null;
          entry = entries.getNextEntry()) {
        if (entry.isFile() && !MADE.matcher(entry.getName()).matches()) {
          files.put(entry.getName(), pages(entries));
        }
      }
    }
    return new DirectoryDigest(files);
  }

  private static List<Long> pages(InputStream file) throws IOException {
    var pages = new ArrayList<Long>();
    for (byte[] page = file.readNBytes(PAGE); page.length > 0; page = file.readNBytes(PAGE)) {
      var crc = new CRC32C();
      crc.update(page, 0, page.length);
      pages.add(crc.getValue());
    }
    return List.copyOf(pages);
  }

  int pages() {
    return files.values().stream().mapToInt(List::size).sum();
  }

  /// In what the two differ, for people; empty when they are equal.
  List<String> differences(DirectoryDigest that) {
    var names = new TreeMap<>(files);
    names.putAll(that.files);
    return names.keySet().stream()
        .filter(name -> !Objects.equals(files.get(name), that.files.get(name)))
        .map(name -> name + ": " + difference(files.get(name), that.files.get(name)))
        .toList();
  }

  private static String difference(@Nullable List<Long> one, @Nullable List<Long> other) {
    if (one == null || other == null) {
      return one == null ? "only in the second" : "only in the first";
    }
    int page = 0;
    while (page < Math.min(one.size(), other.size()) && one.get(page).equals(other.get(page))) {
      page++;
    }
    return "%d and %d pages, other from page %d on".formatted(one.size(), other.size(), page);
  }
}
