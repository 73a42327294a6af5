package dev.varve.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.postgres.page.Page;
import dev.varve.verify.Verdict;
import dev.varve.verify.WalVerification;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import tools.jackson.databind.JsonNode;

/// Compares pages that a server gives, as of any LSN, with what `wal verify` made of the same base
/// backup and WAL.
final class VerifiedPages {

  private static final int ASKED = 4_000;
  private static final int CACHED_PAGES = 4_096;

  /// Of the page header: set by who writes pages to files.
  private static final int CHECKSUM = 8;

  /// What a page was, from `lsn` on.
  private record Version(long lsn, long crc) {}

  private final long from;
  private final Map<Key, List<Version>> pages = new TreeMap<>();

  private long end;

  private VerifiedPages(Lsn from) {
    this.from = from.value();
  }

  static VerifiedPages of(SourceBackup backup, Path wal, Path scratch) throws Exception {
    var pages = new VerifiedPages(backup.end());
    Verdict verdict =
        WalVerification.run(
            new WalVerification.Options(
                backup.tar(),
                wal,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                scratch,
                CACHED_PAGES),
            _ -> {},
            pages::note);
    assertThat(verdict.mismatches()).isEmpty();
    pages.end = verdict.end().value();
    return pages;
  }

  private void note(Key key, long lsn, MemorySegment page) {
    if (key.kind() == DirectoryKeys.PAGE && Long.compareUnsigned(lsn, from) > 0) {
      List<Version> versions = pages.computeIfAbsent(key, _ -> new ArrayList<>());
      if (!versions.isEmpty() && versions.getLast().lsn == lsn) {
        versions.removeLast();
      }
      versions.add(new Version(lsn, crc(page.toArray(ValueLayout.JAVA_BYTE))));
    }
  }

  private static long crc(byte[] page) {
    page[CHECKSUM] = 0;
    page[CHECKSUM + 1] = 0;
    var crc = new CRC32C();
    crc.update(page, 0, Page.SIZE);
    return crc.getValue();
  }

  /// @param name of the timeline that was imported from the backup and the WAL
  void compare(Varve varve, String name) throws IOException {
    var random = new SplittableRandom(end);
    List<Key> keys = List.copyOf(pages.keySet());
    int gone = 0;
    JsonNode shown = varve.json("show", name);
    try (PageClient client =
        new PageClient(varve.pagePort())
            .enter(shown.path("tenant_id").asString(), shown.path("timeline_id").asString())) {
      for (int i = 0; i < ASKED; i++) {
        Key key = keys.get(random.nextInt(keys.size()));
        List<Version> versions = pages.getOrDefault(key, List.of());
        int number = random.nextInt(versions.size());
        Version version = versions.get(number);
        assertThat(crc(client.page(key, version.lsn)))
            .as("%s at %s", key, Lsn.format(version.lsn))
            .isEqualTo(version.crc);
        long next = number + 1 < versions.size() ? versions.get(number + 1).lsn : end + 1;
        long between = random.nextLong(version.lsn, next);
        gone += isGone(client, key, version, between) ? 1 : 0;
      }
    }
    System.out.printf(
        "%s: %d of %d verified pages asked at two LSNs each, %d gone at the later%n",
        name, ASKED, keys.size(), gone);
    assertThat(gone).isLessThan(ASKED / 2);
  }

  /// Asks for the page before its next version: it is the same, or its relation was cut or dropped
  /// in the meantime.
  private static boolean isGone(PageClient client, Key key, Version version, long lsn)
      throws IOException {
    try {
      if (Integer.compareUnsigned(key.block(), client.blocks(key, lsn)) >= 0) {
        return true;
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("there is no relation");
      return true;
    }
    assertThat(crc(client.page(key, lsn)))
        .as("%s at %s, of %s", key, Lsn.format(lsn), Lsn.format(version.lsn))
        .isEqualTo(version.crc);
    return false;
  }
}
