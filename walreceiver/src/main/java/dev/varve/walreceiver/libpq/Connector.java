package dev.varve.walreceiver.libpq;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/// Comes to a connection that takes commands: hosts in turn, TCP, TLS, startup, authentication.
///
/// | first message  | fields                                                        |
/// |----------------|---------------------------------------------------------------|
/// | SSLRequest     | int 80877103; the answer is one byte, `S` or `N`              |
/// | StartupMessage | int 196608 (version 3.0), name and value texts, a zero byte    |
final class Connector {

  private static final int SSL_REQUEST = 80_877_103;
  private static final int VERSION_3 = 3 << 16;

  /// Before a server has proved anything it gets little of our memory.
  private static final int LONGEST_EARLY_MESSAGE = 64 << 10;

  private static final int MOST_EARLY_MESSAGES = 500;
  private static final int BUFFER = 64 << 10;

  private final ConnectionInfo info;
  private final ConnectionInfo.Host host;
  private final PgConnection.Purpose purpose;

  private Connector(ConnectionInfo info, ConnectionInfo.Host host, PgConnection.Purpose purpose) {
    this.info = info;
    this.host = host;
    this.purpose = purpose;
  }

  static PgConnection open(ConnectionInfo info, PgConnection.Purpose purpose) throws IOException {
    SessionAttributes wanted = info.sessionAttributes();
    try {
      return open(info, purpose, wanted);
    } catch (ConnectionFailedException e) {
      if (wanted != SessionAttributes.PREFER_STANDBY) {
        throw e;
      }
      return open(info, purpose, SessionAttributes.ANY);
    }
  }

  private static PgConnection open(
      ConnectionInfo info, PgConnection.Purpose purpose, SessionAttributes wanted)
      throws IOException {
    List<IOException> failures = new ArrayList<>();
    for (ConnectionInfo.Host host : info.hosts()) {
      try {
        PgConnection connection = new Connector(info, host, purpose).open();
        if (wanted.fits(connection)) {
          return connection;
        }
        connection.close();
        failures.add(
            new ConnectionFailedException(
                "%s is not what target_session_attrs=%s asks for".formatted(host, wanted)));
      } catch (ServerErrorException e) {
        if (!e.sqlState().startsWith("57P")) {
          throw e;
        }
        failures.add(e);
      } catch (IOException e) {
        failures.add(e);
      }
    }
    if (failures.size() == 1) {
      throw failures.getFirst();
    }
    var all =
        new ConnectionFailedException(
            String.join("; ", failures.stream().map(IOException::getMessage).toList()));
    failures.forEach(all::addSuppressed);
    throw all;
  }

  private PgConnection open() throws IOException {
    if (host.socket().isPresent()) {
      return open(false); // As libpq, whatever the sslmode: nobody can listen.
    }
    boolean preferred = info.sslMode() == SslMode.PREFER;
    try {
      return open(info.sslMode() != SslMode.DISABLE);
    } catch (ServerErrorException e) {
      // As libpq: a pg_hba.conf that wants no TLS gets none.
      if (!preferred || !e.sqlState().equals("28000")) {
        throw e;
      }
      return retry(e);
    } catch (ConnectionFailedException e) {
      if (!preferred || !(e.getCause() instanceof javax.net.ssl.SSLException)) {
        throw e;
      }
      return retry(e);
    }
  }

  private PgConnection retry(IOException first) throws IOException {
    try {
      return open(false);
    } catch (IOException e) {
      first.addSuppressed(e);
      throw first;
    }
  }

  private PgConnection open(boolean tls) throws IOException {
    Socket socket = host.socket().isPresent() ? connect(host.socket().get()) : connect();
    try {
      return start(socket, tls ? secure(socket) : socket);
    } catch (SocketTimeoutException e) {
      socket.close();
      throw new ConnectionFailedException(
          host + " took the connection but does not answer like PostgreSQL", e);
    } catch (IOException | RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  private Socket connect(Path file) throws IOException {
    try {
      Socket socket = UnixSocket.connect(file);
      socket.setSoTimeout(Math.toIntExact(info.connectTimeout().toMillis()));
      return socket;
    } catch (IOException | IllegalArgumentException e) {
      throw new ConnectionFailedException(
          "can't connect to %s: %s; is PostgreSQL running there, with this folder in unix_socket_directories?"
              .formatted(file, e.getMessage()),
          e);
    }
  }

  private Socket connect() throws IOException {
    int timeout = Math.toIntExact(info.connectTimeout().toMillis());
    IOException failure = null;
    for (InetAddress address : addresses()) {
      var socket = new Socket();
      try {
        socket.setTcpNoDelay(true);
        socket.setKeepAlive(true);
        socket.connect(new InetSocketAddress(address, host.port()), timeout);
        socket.setSoTimeout(timeout);
        return socket;
      } catch (IOException e) {
        socket.close();
        failure = e;
      }
    }
    throw new ConnectionFailedException(
        "can't connect to %s: %s; is PostgreSQL running there, with this address in listen_addresses?"
            .formatted(host, failure == null ? "no address" : failure.getMessage()),
        failure == null ? new UnknownHostException(host.address()) : failure);
  }

  private InetAddress[] addresses() throws IOException {
    try {
      return InetAddress.getAllByName(host.address());
    } catch (UnknownHostException e) {
      throw new ConnectionFailedException(
          "no host is called " + host.address() + "; check the connection's host", e);
    }
  }

  private Socket secure(Socket socket) throws IOException {
    new MessageWriter(socket.getOutputStream())
        .sendUntyped(ByteBuffer.allocate(4).putInt(SSL_REQUEST).array());
    // Unbuffered: nothing that was sent in the clear may be taken for what came over TLS.
    int answer = socket.getInputStream().read();
    return switch (answer) {
      case 'S' -> Tls.over(socket, info, host);
      case 'N' -> {
        if (info.sslMode() != SslMode.PREFER) {
          throw new ConnectionFailedException(
              "%s has no TLS and sslmode=%s demands it; set ssl = on in PostgreSQL, or sslmode=prefer"
                  .formatted(host, info.sslMode()));
        }
        yield socket;
      }
      case -1 -> throw new ConnectionFailedException(host + " closed the connection at once");
      default ->
          throw new ProtocolException(host + " does not answer like PostgreSQL when asked for TLS");
    };
  }

  private PgConnection start(Socket tcp, Socket socket) throws IOException {
    var in =
        new MessageReader(
            new BufferedInputStream(socket.getInputStream(), BUFFER), LONGEST_EARLY_MESSAGE);
    var out = new MessageWriter(socket.getOutputStream());
    var connection = new PgConnection(tcp, socket, host, in, out);
    boolean replication = purpose == PgConnection.Purpose.REPLICATION;
    out.sendUntyped(startup(replication));
    @Nullable X509Certificate certificate =
        socket instanceof SSLSocket tls ? Tls.certificate(tls) : null;
    var authentication =
        new Authentication(
            info,
            host,
            info.password(host, replication ? "replication" : info.database()),
            certificate,
            out);
    boolean authenticated = false;
    for (int i = 0; i < MOST_EARLY_MESSAGES; i++) {
      char type = connection.receive();
      switch (type) {
        case 'R' -> authenticated = authentication.answer(in) || authenticated;
        // The key for cancelling, and "I know no such minor version".
        case 'K', 'v' -> {}
        case 'Z' -> {
          if (!authenticated) {
            throw connection.unexpected(type);
          }
          connection.trust();
          return connection;
        }
        default -> throw connection.unexpected(type);
      }
    }
    throw new ProtocolException(host + " does not come to the end of the startup");
  }

  private byte[] startup(boolean replication) {
    var bytes = new ByteArrayOutputStream();
    bytes.writeBytes(ByteBuffer.allocate(4).putInt(VERSION_3).array());
    bytes.writeBytes(MessageWriter.texts("user", info.user()));
    bytes.writeBytes(
        replication
            ? MessageWriter.texts("replication", "true")
            : MessageWriter.texts("database", info.database()));
    bytes.writeBytes(MessageWriter.texts("application_name", info.applicationName()));
    bytes.writeBytes(MessageWriter.texts("client_encoding", "UTF8"));
    info.options().ifPresent(o -> bytes.writeBytes(MessageWriter.texts("options", o)));
    bytes.write(0);
    return bytes.toByteArray();
  }
}
