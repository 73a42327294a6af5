package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.PgConnection;
import dev.varve.walreceiver.libpq.Rows;
import java.io.IOException;
import java.util.Optional;

/// An ordinary connection to the source, for what a replication connection can't be asked.
///
/// Of one thread. Replication alone does not give the right to connect so; who uses this must do
/// without it.
public final class SourceDatabase implements AutoCloseable {

  private final PgConnection connection;

  private SourceDatabase(PgConnection connection) {
    this.connection = connection;
  }

  public static SourceDatabase connect(ConnectionInfo info) throws IOException {
    return new SourceDatabase(PgConnection.open(info, PgConnection.Purpose.SQL));
  }

  public Rows query(String sql) throws IOException {
    return connection.query(sql);
  }

  /// The version as a number: 170011 is 17.11.
  public int serverVersion() throws IOException {
    return connection.serverVersion();
  }

  public String show(String setting) throws IOException {
    return query("select current_setting(" + literal(setting) + ")").text(0, 0);
  }

  /// Where the server's WAL ends: on a primary what it has written, on a standby what it has
  /// received.
  public Lsn currentLsn() throws IOException {
    Rows rows =
        query(
            "select case when pg_is_in_recovery() then pg_last_wal_receive_lsn()"
                + " else pg_current_wal_lsn() end");
    return ReplicationClient.lsn(rows, 0);
  }

  /// What the server knows of a slot; empty when there is none.
  public Optional<SlotState> slot(String slot) throws IOException {
    Rows rows =
        query(
            "select slot_type, restart_lsn, wal_status from pg_replication_slots where slot_name = "
                + literal(slot));
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    Optional<Lsn> restart =
        rows.get(0, 1) == null ? Optional.empty() : Optional.of(ReplicationClient.lsn(rows, 1));
    return Optional.of(
        new SlotState(
            slot, rows.text(0, 0).equals("physical"), restart, "lost".equals(rows.get(0, 2))));
  }

  /// Any text, whatever the server's `standard_conforming_strings`.
  private static String literal(String text) {
    return " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'";
  }

  @Override
  public void close() {
    connection.close();
  }
}
