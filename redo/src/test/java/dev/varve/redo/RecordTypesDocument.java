package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.RecordType;
import dev.varve.postgres.wal.ResourceManager;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// RECORDS.md: every record type of every version, and whether redo of it changes pages, asked of
/// {@link RecordType#all} and of {@link Redo} itself.
final class RecordTypesDocument {

  private static final String BEGINNING =
      """
      # WAL record types

      Every record type of PostgreSQL 14 to 18, by resource manager, under the names that `pg_waldump` prints. This file is
      generated: `./mvnw test -pl redo -am -Dtest=RecordTypesDocumentTest -Dvarve.documents.write=true -Dsurefire.failIfNoSpecifiedTests=false`
      (the test fails when the file is not what the code says).

      *Pages* says whether redo of the type changes pages that the record names, by the class of `dev.varve.redo` that is
      named after the manager (`Gin`: `GinRedo`). What a type does beyond such pages (commit log and other SLRUs, sizes of
      relations, databases, the running checkpoint) is in `WalIngest` (`dev.varve.datadir.ingest`). A page whose image is in
      the record is that image, whatever the type; so it is with managers of extensions, too.

      | record | 14 | 15 | 16 | 17 | 18 | pages |
      |---|:-:|:-:|:-:|:-:|:-:|:-:|
      """;

  private static final int MOST_BLOCK_ID = 5;
  private static final int[] FORKS = {0, 2};

  private RecordTypesDocument() {}

  static Path path() {
    return Path.of(System.getProperty("varve.root"), "RECORDS.md");
  }

  static String text() {
    Map<String, Set<PgVersion>> versions = new LinkedHashMap<>();
    Map<String, Boolean> pages = new LinkedHashMap<>();
    for (ResourceManager manager : ResourceManager.values()) {
      for (PgVersion version : PgVersion.values()) {
        for (RecordType.Named type : RecordType.all(version)) {
          if (type.manager() == manager) {
            versions
                .computeIfAbsent(type.fullName(), _ -> EnumSet.noneOf(PgVersion.class))
                .add(version);
            pages.merge(type.fullName(), changesPages(version, type), Boolean::logicalOr);
          }
        }
      }
    }
    var text = new StringBuilder(BEGINNING);
    versions.forEach((name, of) -> {
      text.append("| ").append(name).append(" |");
      for (PgVersion version : PgVersion.values()) {
        text.append(of.contains(version) ? " x |" : " |");
      }
      text.append(Boolean.TRUE.equals(pages.get(name)) ? " yes |\n" : " |\n");
    });
    return text.toString();
  }

  /// Whether redo does not say of the type that it does not know it, whichever block it is asked
  /// about: that the change is empty it may well say.
  private static boolean changesPages(PgVersion version, RecordType.Named type) {
    var redo = new Redo(version);
    for (int fork : FORKS) {
      for (int block = 0; block <= MOST_BLOCK_ID; block++) {
        for (int flags = 0; flags <= Change.FLAG_INITIALIZES; flags++) {
          MemorySegment change = MemorySegment.ofArray(new byte[Change.HEADER_BYTES]);
          change.set(PgLayout.BYTE, 0, Change.RECORD);
          change.set(PgLayout.BYTE, 1, (byte) type.manager().id());
          change.set(PgLayout.BYTE, 2, (byte) type.type());
          change.set(PgLayout.BYTE, 3, (byte) block);
          change.set(PgLayout.BYTE, 4, (byte) flags);
          MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
          Page.initialize(page, 0);
          try {
            redo.apply(new Key(0, 1663, 5, 16384, fork, 0), 1, page, change);
            return true;
          } catch (PageserverException.Unsupported e) {
            // Another kind of page may be one.
          } catch (PageserverException.DataCorrupted e) {
            return true;
          }
        }
      }
    }
    return false;
  }

  static void write() throws IOException {
    Files.writeString(path(), text());
  }
}
