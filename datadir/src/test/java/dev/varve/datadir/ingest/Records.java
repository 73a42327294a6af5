package dev.varve.datadir.ingest;

import dev.varve.datadir.CraftedRecord;
import dev.varve.datadir.RelationFork;
import dev.varve.postgres.control.CheckPoint;

/// Records as a server writes them, from version 15 on.
public final class Records {

  private static final int XLOG = 0;
  private static final int TRANSACTION = 1;
  private static final int STORAGE = 2;

  private Records() {}

  public static CraftedRecord create(RelationFork fork) {
    return new CraftedRecord(STORAGE, 0x10)
        .main(
            16,
            b ->
                b.putInt(fork.tablespace())
                    .putInt(fork.database())
                    .putInt(fork.relation())
                    .putInt(fork.fork()));
  }

  /// Cuts main fork and maps.
  public static CraftedRecord truncate(RelationFork fork, int blocks) {
    return new CraftedRecord(STORAGE, 0x20)
        .main(
            20,
            b ->
                b.putInt(blocks)
                    .putInt(fork.tablespace())
                    .putInt(fork.database())
                    .putInt(fork.relation())
                    .putInt(7));
  }

  public static CraftedRecord commit(int xid, long time, int... subtransactions) {
    return end(0x00, xid, time, subtransactions);
  }

  public static CraftedRecord abort(int xid, long time, int... subtransactions) {
    return end(0x20, xid, time, subtransactions);
  }

  private static CraftedRecord end(int operation, int xid, long time, int... subtransactions) {
    if (subtransactions.length == 0) {
      return new CraftedRecord(TRANSACTION, operation).xid(xid).main(8, b -> b.putLong(time));
    }
    return new CraftedRecord(TRANSACTION, operation | 0x80)
        .xid(xid)
        .main(
            16 + 4 * subtransactions.length,
            b -> {
              b.putLong(time).putInt(2).putInt(subtransactions.length);
              for (int subtransaction : subtransactions) {
                b.putInt(subtransaction);
              }
            });
  }

  /// A commit that drops relations.
  public static CraftedRecord commitDropping(int xid, RelationFork... relations) {
    return new CraftedRecord(TRANSACTION, 0x80)
        .xid(xid)
        .main(
            16 + 12 * relations.length,
            b -> {
              b.putLong(0).putInt(4).putInt(relations.length);
              for (RelationFork relation : relations) {
                b.putInt(relation.tablespace())
                    .putInt(relation.database())
                    .putInt(relation.relation());
              }
            });
  }

  public static CraftedRecord checkPoint(boolean shutdown, CheckPoint checkPoint) {
    return new CraftedRecord(XLOG, shutdown ? 0x00 : 0x10).main(checkPoint.toBytes());
  }

  public static CraftedRecord nextOid(int oid) {
    return new CraftedRecord(XLOG, 0x30).main(4, b -> b.putInt(oid));
  }

  /// A new multixact of row lockers.
  public static CraftedRecord multixact(int multi, int offset, int... xids) {
    return new CraftedRecord(6, 0x20)
        .main(
            12 + 8 * xids.length,
            b -> {
              b.putInt(multi).putInt(offset).putInt(xids.length);
              for (int xid : xids) {
                b.putInt(xid).putInt(1);
              }
            });
  }
}
