package dev.varve.datadir.ingest;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.Tablespace;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.record.DatabaseRecord;
import dev.varve.postgres.record.RelationMapRecord;
import dev.varve.postgres.record.TablespaceRecord;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// Databases, tablespaces and relation maps that come and go.
final class Databases {

  private final VersionWriter writer;
  private final RelationSizes sizes;
  private final DatabaseCopy copy;
  private final byte[] versionFile;

  Databases(VersionWriter writer, RelationSizes sizes, DatabaseCopy copy, PgVersion version) {
    this.writer = writer;
    this.sizes = sizes;
    this.copy = copy;
    this.versionFile = (version.major() + "\n").getBytes(StandardCharsets.US_ASCII);
  }

  void ingest(DatabaseRecord record) {
    switch (record) {
      case DatabaseRecord.CreateFileCopy create -> {
        copy.ingest(create);
        writer.value(DirectoryKeys.database(create.tablespace(), create.database()), versionFile);
      }
      case DatabaseRecord.CreateWalLog create ->
          writer.value(DirectoryKeys.database(create.tablespace(), create.database()), versionFile);
      case DatabaseRecord.Drop drop -> drop(drop.database(), drop.tablespaces());
    }
  }

  private void drop(int database, List<Integer> tablespaces) {
    for (int tablespace : tablespaces) {
      sizes.dropAll(tablespace, database);
      writer.remove(DirectoryKeys.relationMap(tablespace, database));
      writer.remove(DirectoryKeys.database(tablespace, database));
    }
  }

  void ingest(TablespaceRecord record) {
    switch (record) {
      case TablespaceRecord.Create create ->
          writer.value(
              DirectoryKeys.tablespace(create.tablespace()),
              new Tablespace(create.tablespace(), create.location()).encode());
      case TablespaceRecord.Drop drop -> writer.remove(DirectoryKeys.tablespace(drop.tablespace()));
    }
  }

  void ingest(RelationMapRecord record) {
    writer.value(
        DirectoryKeys.relationMap(record.tablespace(), record.database()),
        record.contents(),
        0,
        (int) record.contents().byteSize());
  }
}
