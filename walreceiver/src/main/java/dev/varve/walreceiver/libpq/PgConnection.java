package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A connection to one PostgreSQL server over which commands and messages go.
///
/// One thread receives; any thread may send, and may close, which ends a receive that waits.
public final class PgConnection implements AutoCloseable {

  /// How long a command may keep us waiting for a sign of life.
  public static final Duration COMMAND_TIMEOUT = Duration.ofMinutes(1);

  /// A message of WAL has 128 KiB and a few bytes; rows of the commands here have less.
  private static final int LONGEST_MESSAGE = 4 << 20;

  private static final int MOST_ROWS = 100_000;
  private static final int MOST_PARAMETERS = 1000;
  private static final int MOST_NOTICES = 100_000;
  private static final int MOST_MESSAGES_AFTER_ERROR = 10_000;

  private final Socket tcp;
  private final Socket socket;
  private final ConnectionInfo.Host host;
  private final MessageReader in;
  private final MessageWriter out;
  private final Map<String, String> parameters = new HashMap<>();
  private volatile boolean closed;

  /// @param tcp what is below the socket when that is TLS; else the same
  PgConnection(
      Socket tcp, Socket socket, ConnectionInfo.Host host, MessageReader in, MessageWriter out) {
    this.tcp = tcp;
    this.socket = socket;
    this.host = host;
    this.in = in;
    this.out = out;
  }

  /// What the connection is for.
  public enum Purpose {
    /// SQL in one database.
    SQL,
    /// Commands of physical replication.
    REPLICATION
  }

  /// Connects to the first of the hosts that lets us in.
  ///
  /// @throws ServerErrorException when a server refuses us
  /// @throws IOException when no server answers, with a sentence for each
  public static PgConnection open(ConnectionInfo info, Purpose purpose) throws IOException {
    return Connector.open(info, purpose);
  }

  /// The host that let us in.
  public ConnectionInfo.Host host() {
    return host;
  }

  /// A parameter that the server reports of itself, such as `server_version`.
  public @Nullable String parameter(String name) {
    return parameters.get(name);
  }

  /// The version as a number: 170011 is 17.11.
  public int serverVersion() throws ProtocolException {
    String version = parameters.getOrDefault("server_version", "");
    String[] parts = version.split("[^0-9]", 3);
    if (parts.length == 0 || !parts[0].matches("\\d{1,3}")) {
      throw new ProtocolException(host + " does not say its version: \"" + version + "\"");
    }
    int minor = parts.length > 1 && parts[1].matches("\\d{1,4}") ? Integer.parseInt(parts[1]) : 0;
    return Integer.parseInt(parts[0]) * 10_000 + minor;
  }

  /// The fields of the message that was received last.
  public MessageReader message() {
    return in;
  }

  /// Waits for the next message that is an answer; notices and parameters are taken on the way.
  ///
  /// @return its type; its fields are in {@link #message()}
  /// @throws ServerErrorException when it is an error; the connection is ready for the next command
  ///   then, unless the error {@linkplain ServerErrorException#isFatal() is fatal}
  public char receive() throws IOException {
    char type = receiveAny();
    if (type != 'E') {
      return type;
    }
    ServerErrorException error = error();
    if (!error.isFatal()) {
      recover(error);
    }
    throw error;
  }

  private char receiveAny() throws IOException {
    for (int i = 0; i < MOST_NOTICES; i++) {
      char type = next();
      switch (type) {
        case 'S' -> {
          String name = in.getText();
          parameters.put(name, in.getText());
          if (parameters.size() > MOST_PARAMETERS) {
            throw new ProtocolException(host + " reports more parameters than any server has");
          }
        }
        // Notices and notifications.
        case 'N', 'A' -> {}
        default -> {
          return type;
        }
      }
    }
    throw new ProtocolException(host + " sends notices without end");
  }

  private char next() throws IOException {
    // A read of a socket would not mind, on a platform thread.
    if (Thread.currentThread().isInterrupted()) {
      close();
      throw new ConnectionFailedException(
          "the connection to PostgreSQL at " + host + " was given up on request");
    }
    try {
      return in.next();
    } catch (SocketTimeoutException e) {
      throw new ConnectionFailedException(
          "PostgreSQL at %s has been silent for %d s".formatted(host, socket.getSoTimeout() / 1000),
          e);
    } catch (SocketException e) {
      throw new ConnectionFailedException(
          "the connection to PostgreSQL at " + host + " broke: " + e.getMessage(), e);
    }
  }

  private ServerErrorException error() throws ProtocolException {
    var fields = new HashMap<Character, String>();
    for (int name = in.getByte(); name != 0; name = in.getByte()) {
      fields.put((char) name, in.getText());
    }
    return ServerErrorException.of(fields, host);
  }

  /// Reads up to where the server takes the next command.
  private void recover(ServerErrorException error) throws IOException {
    try {
      for (int i = 0; i < MOST_MESSAGES_AFTER_ERROR; i++) {
        if (receiveAny() == 'Z') {
          return;
        }
      }
    } catch (IOException e) {
      error.addSuppressed(e);
    }
    close();
  }

  /// Waits for a message that must be of this type.
  public void expect(char type) throws IOException {
    char actual = receive();
    if (actual != type) {
      throw unexpected(actual);
    }
  }

  /// An answer that the protocol does not have here.
  public ProtocolException unexpected(char type) {
    return new ProtocolException(
        "PostgreSQL at " + host + " sent an unexpected message " + MessageReader.Char.show(type));
  }

  /// Sends a command, without waiting for the answer.
  public void sendCommand(String command) throws IOException {
    send('Q', MessageWriter.texts(command));
  }

  /// Sends one message whole.
  public void send(char type, byte[] fields) throws IOException {
    try {
      out.send(type, fields);
    } catch (SocketException e) {
      throw new ConnectionFailedException(
          "the connection to PostgreSQL at " + host + " broke: " + e.getMessage(), e);
    }
  }

  /// Runs a command and takes its rows; of several results the last one with rows.
  public Rows query(String command) throws IOException {
    sendCommand(command);
    Rows rows = Rows.NONE;
    while (true) {
      char type = receive();
      switch (type) {
        case 'T' -> rows = rows();
        // Complete, empty, ready.
        case 'C', 'I' -> {}
        case 'Z' -> {
          return rows;
        }
        default -> throw unexpected(type);
      }
    }
  }

  /// Takes one result set, after its description came and up to its completion.
  public Rows rows() throws IOException {
    List<String> columns = Rows.columns(in);
    var rows = new ArrayList<List<@Nullable String>>();
    while (true) {
      char type = receive();
      switch (type) {
        case 'D' -> {
          rows.add(Rows.row(in));
          if (rows.size() > MOST_ROWS) {
            throw new ProtocolException(host + " sends rows without end");
          }
        }
        case 'C' -> {
          return new Rows(columns, rows);
        }
        default -> throw unexpected(type);
      }
    }
  }

  /// How long {@link #receive()} waits for the server before it gives the connection up.
  public void timeout(Duration longest) throws IOException {
    socket.setSoTimeout(Math.toIntExact(longest.toMillis()));
  }

  /// Raises the limits that protect the time before we know who the server is.
  void trust() throws IOException {
    in.limit(LONGEST_MESSAGE);
    timeout(COMMAND_TIMEOUT);
  }

  public boolean isClosed() {
    return closed;
  }

  /// Ends the connection; whoever waits in {@link #receive()} gets an IOException.
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      out.farewell();
    } catch (IOException e) {
      // Nobody is there to hear it.
    }
    try {
      // Not the TLS socket, whose farewell waits for a sender that may be stuck.
      tcp.close();
    } catch (IOException e) {
      // It is gone either way.
    }
  }
}
