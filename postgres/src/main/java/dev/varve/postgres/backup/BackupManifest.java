package dev.varve.postgres.backup;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/// The file `backup_manifest`: a JSON object that lists a backup's files, which may be many, and
/// the WAL that makes the backup consistent, which is all that is read here.
///
/// | key                                    | value                                              |
/// |----------------------------------------|----------------------------------------------------|
/// | `PostgreSQL-Backup-Manifest-Version`   | 1, or from version 17 on 2                         |
/// | `System-Identifier`                    | in format 2                                        |
/// | `Files`                                | skipped                                            |
/// | `WAL-Ranges`                           | objects of `Timeline`, `Start-LSN`, `End-LSN`      |
/// | `Manifest-Checksum`                    | the last line: SHA-256 of all lines before it, hex |
///
/// PostgreSQL's `backup/backup_manifest.c`.
///
/// @param walRanges oldest first; never empty
public record BackupManifest(List<WalRange> walRanges) {

  private static final String CHECKSUM_KEY = "\"Manifest-Checksum\"";

  /// The WAL from `start` on must be replayed up to `end`.
  public record WalRange(int tli, Lsn start, Lsn end) {}

  /// @throws PageserverException.DataCorrupted if it is torn or damaged
  public static BackupManifest parse(byte[] file) {
    int checksumLine = lastLine(file);
    String last =
        new String(file, checksumLine, file.length - checksumLine, StandardCharsets.UTF_8);
    if (!last.startsWith(CHECKSUM_KEY) || !last.contains(sha256(file, checksumLine))) {
      throw damaged("its last line is not the checksum of the others");
    }
    var scanner = new JsonScanner(file);
    List<WalRange> ranges = new ArrayList<>();
    scanner.object(key -> {
      if (key.equals("WAL-Ranges")) {
        scanner.array(() -> ranges.add(range(scanner)));
      } else {
        scanner.skip();
      }
    });
    if (ranges.isEmpty()) {
      throw damaged("it names no WAL");
    }
    return new BackupManifest(List.copyOf(ranges));
  }

  private static int lastLine(byte[] file) {
    int start = Math.max(file.length - 1, 0);
    while (start > 0 && file[start - 1] != '\n') {
      start--;
    }
    return start;
  }

  private static String sha256(byte[] file, int length) {
    try {
      var digest = MessageDigest.getInstance("SHA-256");
      digest.update(file, 0, length);
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static WalRange range(JsonScanner scanner) {
    Map<String, String> fields = new HashMap<>();
    scanner.object(key -> fields.put(key, scanner.scalar()));
    int tli = Names.number(fields.getOrDefault("Timeline", ""));
    if (tli == 0) {
      throw damaged("it has a range of WAL without a timeline");
    }
    try {
      return new WalRange(
          tli,
          Lsn.parse(fields.getOrDefault("Start-LSN", "")),
          Lsn.parse(fields.getOrDefault("End-LSN", "")));
    } catch (IllegalArgumentException e) {
      throw new PageserverException.DataCorrupted(
          "the backup manifest has a range of WAL that can't be read: " + e.getMessage(), e);
    }
  }

  static PageserverException.DataCorrupted damaged(String finding) {
    return new PageserverException.DataCorrupted("the backup manifest is damaged: " + finding);
  }
}
