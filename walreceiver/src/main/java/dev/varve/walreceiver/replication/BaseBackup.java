package dev.varve.walreceiver.replication;

import dev.varve.walreceiver.libpq.MessageReader;
import dev.varve.walreceiver.libpq.PgConnection;
import dev.varve.walreceiver.libpq.ProtocolException;
import dev.varve.walreceiver.libpq.Rows;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// One run of `BASE_BACKUP`: its answers, and the archives as streams.
///
/// | server     | answers                                                                       |
/// |------------|-------------------------------------------------------------------------------|
/// | 14         | start, tablespaces, one copy an archive, one for the manifest, end             |
/// | 15 and up  | start, tablespaces, one copy of all, end; each message in it begins with a kind |
///
/// | kind | message                                          |
/// |------|--------------------------------------------------|
/// | `n`  | a new archive: its name and its path, two texts   |
/// | `m`  | the manifest begins                               |
/// | `d`  | bytes of the archive or manifest                  |
/// | `p`  | progress: bytes so far, a long                    |
///
/// A server of version 14 leaves out the two blocks of zeros that end a tar; they are put in here.
final class BaseBackup {

  /// The checkpoint comes before the first answer, and is as long as the server is busy.
  private static final Duration CHECKPOINT = Duration.ofHours(1);

  private static final Duration SILENCE = Duration.ofMinutes(5);

  private static final int TAR_END = 1024;

  private final PgConnection connection;
  private final int major;
  private final BackupOptions options;
  private final BackupHandler handler;
  private final MessageReader message;
  private long bytes;

  BaseBackup(PgConnection connection, int major, BackupOptions options, BackupHandler handler) {
    this.connection = connection;
    this.major = major;
    this.options = options;
    this.handler = handler;
    message = connection.message();
  }

  BackupResult run() throws IOException {
    connection.timeout(CHECKPOINT);
    connection.sendCommand(options.command(major));
    connection.expect('T');
    Rows start = connection.rows();
    connection.expect('T');
    Rows tablespaces = connection.rows();
    BackupStart begin =
        new BackupStart(ReplicationClient.lsn(start, 0), timeline(start), tablespaces(tablespaces));
    connection.timeout(SILENCE);
    handler.started(begin);
    if (major >= 15) {
      copyOfAll(begin.tablespaces());
    } else {
      copies(begin.tablespaces());
    }
    connection.timeout(CHECKPOINT);
    connection.expect('T');
    Rows end = connection.rows();
    while (connection.receive() != 'Z') {}
    connection.timeout(PgConnection.COMMAND_TIMEOUT);
    return new BackupResult(begin, ReplicationClient.lsn(end, 0), timeline(end), bytes);
  }

  private static int timeline(Rows rows) throws ProtocolException {
    return (int) rows.number(0, 1);
  }

  private static List<BackupTablespace> tablespaces(Rows rows) throws ProtocolException {
    var tablespaces = new ArrayList<BackupTablespace>();
    for (int i = 0; i < rows.size(); i++) {
      String location = rows.get(i, 1);
      int oid = rows.get(i, 0) == null ? 0 : (int) rows.number(i, 0);
      long size = rows.get(i, 2) == null ? -1 : rows.number(i, 2) << 10;
      tablespaces.add(new BackupTablespace(oid, location == null ? "" : location, size));
    }
    if (tablespaces.isEmpty()) {
      throw new ProtocolException("the base backup has no archive");
    }
    return tablespaces;
  }

  // --- version 14: a copy for each ---

  private void copies(List<BackupTablespace> tablespaces) throws IOException {
    for (BackupTablespace tablespace : tablespaces) {
      connection.expect('H');
      var tar = new Copy(TAR_END);
      handler.archive(tablespace, tar);
      bytes += tar.drain();
    }
    if (options.manifest()) {
      connection.expect('H');
      var manifest = new Copy(0);
      handler.manifest(manifest);
      manifest.drain();
    }
  }

  // --- version 15 and up: one copy of all ---

  private void copyOfAll(List<BackupTablespace> tablespaces) throws IOException {
    connection.expect('H');
    char kind = nextKind();
    int archives = 0;
    while (kind != END) {
      switch (kind) {
        case 'n' -> {
          BackupTablespace tablespace = archive(tablespaces);
          var part = new Part();
          handler.archive(tablespace, part);
          bytes += part.drain();
          kind = part.following();
          archives++;
        }
        case 'm' -> {
          var part = new Part();
          handler.manifest(part);
          part.drain();
          kind = part.following();
        }
        case 'p' -> kind = nextKind();
        default -> throw new ProtocolException("the base backup has a message of kind " + kind);
      }
    }
    if (archives != tablespaces.size()) {
      throw new ProtocolException(
          "the base backup has %d archives and not the %d that it announced"
              .formatted(archives, tablespaces.size()));
    }
  }

  /// The one whose name the current message has: `base.tar`, or `<oid>.tar`.
  private BackupTablespace archive(List<BackupTablespace> tablespaces) throws ProtocolException {
    String name = message.getText();
    for (BackupTablespace tablespace : tablespaces) {
      String expected =
          tablespace.isDataDirectory()
              ? "base.tar"
              : Integer.toUnsignedString(tablespace.oid()) + ".tar";
      if (name.equals(expected)) {
        return tablespace;
      }
    }
    throw new ProtocolException("the base backup has an archive that it did not announce");
  }

  private static final char END = 0;

  /// The kind of the next message of the copy, {@link #END} after the last.
  private char nextKind() throws IOException {
    char type = connection.receive();
    return switch (type) {
      case 'd' -> (char) message.getByte();
      case 'c' -> END;
      default -> throw connection.unexpected(type);
    };
  }

  /// Bytes that come in messages; the current message holds the next of them.
  private abstract class Messages extends InputStream {

    private long count;
    private boolean ended;

    /// Receives the next message that holds bytes.
    ///
    /// @return false at the end
    abstract boolean advance() throws IOException;

    private boolean fill() throws IOException {
      while (!ended && message.remaining() == 0) {
        ended = !advance();
      }
      return !ended;
    }

    @Override
    public int read() throws IOException {
      if (!fill()) {
        return -1;
      }
      count++;
      return message.getByte() & 0xFF;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      if (length == 0) {
        return 0;
      }
      if (!fill()) {
        return -1;
      }
      int part = Math.min(length, message.remaining());
      System.arraycopy(message.array(), message.position(), target, offset, part);
      message.skip(part);
      count += part;
      return part;
    }

    @Override
    public long skip(long wanted) throws IOException {
      if (wanted <= 0 || !fill()) {
        return 0;
      }
      int part = (int) Math.min(wanted, message.remaining());
      message.skip(part);
      count += part;
      return part;
    }

    @Override
    public int available() {
      return ended ? 0 : message.remaining();
    }

    /// Reads what is left.
    ///
    /// @return how many bytes there were in all
    long drain() throws IOException {
      while (fill()) {
        count += message.remaining();
        message.skip(message.remaining());
      }
      return count;
    }
  }

  /// A whole copy, and zeros after it.
  private final class Copy extends Messages {

    private final int end;
    private int zeros;
    private boolean copied;

    Copy(int zeros) throws IOException {
      this.zeros = zeros;
      end = zeros;
      message.skip(message.remaining());
    }

    @Override
    boolean advance() throws IOException {
      if (copied) {
        return false;
      }
      char type = connection.receive();
      copied = type == 'c';
      if (!copied && type != 'd') {
        throw connection.unexpected(type);
      }
      return !copied;
    }

    @Override
    long drain() throws IOException {
      return super.drain() + end;
    }

    @Override
    public int read() throws IOException {
      int next = super.read();
      if (next >= 0 || zeros == 0) {
        return next;
      }
      zeros--;
      return 0;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int part = super.read(target, offset, length);
      if (part >= 0 || zeros == 0) {
        return part;
      }
      int filled = Math.min(length, zeros);
      Arrays.fill(target, offset, offset + filled, (byte) 0);
      zeros -= filled;
      return filled;
    }
  }

  /// The messages of kind `d` of one archive.
  private final class Part extends Messages {

    private char following = END;

    Part() throws IOException {
      message.skip(message.remaining());
    }

    /// What came after the last byte.
    char following() {
      return following;
    }

    @Override
    boolean advance() throws IOException {
      char kind = nextKind();
      if (kind == 'p') {
        message.skip(message.remaining());
        return true;
      }
      following = kind;
      return kind == 'd';
    }
  }
}
