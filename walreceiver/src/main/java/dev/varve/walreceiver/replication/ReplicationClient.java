package dev.varve.walreceiver.replication;

import dev.varve.model.Lsn;
import dev.varve.walreceiver.libpq.ConnectionInfo;
import dev.varve.walreceiver.libpq.PgConnection;
import dev.varve.walreceiver.libpq.ProtocolException;
import dev.varve.walreceiver.libpq.Rows;
import dev.varve.walreceiver.libpq.ServerErrorException;
import java.io.IOException;
import java.util.Optional;

/// A replication connection to a PostgreSQL, and the commands that it takes.
///
/// Of one thread, except for {@link #close()}, which ends whatever waits. What every method throws:
/// {@link ServerErrorException} when PostgreSQL refuses, with SQLSTATE and advice, after which the
/// next command may follow; any other IOException when the connection is lost.
public final class ReplicationClient implements AutoCloseable {

  private final PgConnection connection;
  private final int version;

  private ReplicationClient(PgConnection connection) throws ProtocolException {
    this.connection = connection;
    version = connection.serverVersion();
  }

  /// Connects for physical replication.
  public static ReplicationClient connect(ConnectionInfo info) throws IOException {
    PgConnection connection = PgConnection.open(info, PgConnection.Purpose.REPLICATION);
    try {
      return new ReplicationClient(connection);
    } catch (ProtocolException e) {
      connection.close();
      throw e;
    }
  }

  /// The host that answered.
  public ConnectionInfo.Host host() {
    return connection.host();
  }

  /// The version as a number: 170011 is 17.11.
  public int serverVersion() {
    return version;
  }

  public int major() {
    return version / 10_000;
  }

  /// Whether the server is a standby.
  public boolean isInRecovery() {
    return "on".equals(connection.parameter("in_hot_standby"));
  }

  public SystemIdentity identifySystem() throws IOException {
    Rows rows = connection.query("IDENTIFY_SYSTEM");
    try {
      return new SystemIdentity(
          Long.parseUnsignedLong(rows.text(0, 0)), (int) rows.number(0, 1), lsn(rows, 2));
    } catch (NumberFormatException e) {
      throw new ProtocolException("the server does not identify itself: " + e.getMessage());
    }
  }

  /// The value of a setting, as `SHOW` prints it.
  public String show(String setting) throws IOException {
    return connection.query("SHOW " + name(setting)).text(0, 0);
  }

  /// Makes a physical slot that keeps WAL from now on.
  ///
  /// @param temporary whether it goes with this connection
  public void createPhysicalSlot(String slot, boolean temporary) throws IOException {
    String command = "CREATE_REPLICATION_SLOT " + quote(slot) + (temporary ? " TEMPORARY" : "");
    connection.query(
        command + (major() >= 15 ? " PHYSICAL (RESERVE_WAL)" : " PHYSICAL RESERVE_WAL"));
  }

  /// Drops a slot, waiting for nobody: an active slot is an error.
  public void dropSlot(String slot) throws IOException {
    connection.query("DROP_REPLICATION_SLOT " + quote(slot));
  }

  /// What the server knows of a slot; empty when there is none. Servers before 15 have no such
  /// command: there {@link SourceDatabase#slot(String)} answers.
  public Optional<SlotState> readSlot(String slot) throws IOException {
    if (major() < 15) {
      throw new IllegalStateException("READ_REPLICATION_SLOT exists from PostgreSQL 15 on");
    }
    Rows rows = connection.query("READ_REPLICATION_SLOT " + quote(slot));
    String type = rows.get(0, 0);
    if (type == null) {
      return Optional.empty();
    }
    Optional<Lsn> restart = rows.get(0, 1) == null ? Optional.empty() : Optional.of(lsn(rows, 1));
    return Optional.of(new SlotState(slot, type.equals("physical"), restart, false));
  }

  /// The history file of a PostgreSQL timeline; the first has none, which is an error.
  public TimelineHistory timelineHistory(int timeline) throws IOException {
    Rows rows = connection.query("TIMELINE_HISTORY " + Integer.toUnsignedString(timeline));
    return new TimelineHistory(rows.text(0, 0), rows.text(0, 1));
  }

  /// Takes a base backup while the server works on.
  public BackupResult baseBackup(BackupOptions options, BackupHandler handler) throws IOException {
    boolean whole = false;
    try {
      BackupResult result = new BaseBackup(connection, major(), options, handler).run();
      whole = true;
      return result;
    } finally {
      if (!whole) {
        // The rest of the backup is under way; nothing else can be said on this connection.
        connection.close();
      }
    }
  }

  /// Begins to stream WAL from an LSN on; the answer tells whether the server can.
  ///
  /// @param slot that keeps the WAL; empty for none
  /// @return empty when that PostgreSQL timeline ended at the LSN already
  public Optional<ReplicationStream> startReplication(
      Optional<String> slot, Lsn start, int timeline) throws IOException {
    connection.sendCommand(
        "START_REPLICATION "
            + slot.map(name -> "SLOT " + quote(name) + " ").orElse("")
            + "PHYSICAL "
            + start
            + " TIMELINE "
            + Integer.toUnsignedString(timeline));
    char type = connection.receive();
    return switch (type) {
      case 'W' -> Optional.of(new ReplicationStream(connection, start.value()));
      case 'T' -> {
        nextTimeline(connection.rows());
        while (connection.receive() != 'Z') {}
        yield Optional.empty();
      }
      default -> throw connection.unexpected(type);
    };
  }

  static Optional<NextTimeline> nextTimeline(Rows rows) throws ProtocolException {
    if (rows.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new NextTimeline((int) rows.number(0, 0), lsn(rows, 1)));
  }

  /// The LSN in a column of the first row.
  static Lsn lsn(Rows rows, int column) throws ProtocolException {
    try {
      return Lsn.parse(rows.text(0, column));
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("the server gives no LSN: " + e.getMessage());
    }
  }

  private static String quote(String identifier) {
    return '"' + identifier.replace("\"", "\"\"") + '"';
  }

  private static String name(String setting) {
    if (!setting.matches("[a-zA-Z_][a-zA-Z0-9_.]*")) {
      throw new IllegalArgumentException("no setting is called " + setting);
    }
    return setting;
  }

  @Override
  public void close() {
    connection.close();
  }
}
