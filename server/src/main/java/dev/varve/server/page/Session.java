package dev.varve.server.page;

import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.model.PageserverException.NotFound;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.timeline.Tenants;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.time.Duration;
import java.util.Locale;

/// One connection to the page service. Everything in it runs on that connection's virtual thread.
///
/// | command                              | answer                                             |
/// |--------------------------------------|----------------------------------------------------|
/// | `pagestream_v2 TENANT TIMELINE`      | CopyBoth; then {@link PageStream}, version 2       |
/// | `pagestream_v3 TENANT TIMELINE`      | CopyBoth; then {@link PageStream}, version 3       |
/// | `fullbackup TENANT TIMELINE [LSN]`   | CopyOut: a data directory as a tar                 |
/// | `set ...`                            | nothing happens: clients send it when they connect |
///
/// Both the simple and the extended query protocol reach them, the latter as far as libpq clients
/// need it to run a command: one unnamed statement without parameters.
final class Session {

  private static final Duration BACKUP_LSN_WAIT = Duration.ofSeconds(60);
  private static final String SERVER_VERSION = "14.1";

  private final Tenants tenants;
  private final BackupSource backup;
  private final FrontendReader in;
  private final BackendWriter out;
  private String prepared = "";

  Session(Socket socket, Tenants tenants, BackupSource backup) throws IOException {
    this.tenants = tenants;
    this.backup = backup;
    this.in = new FrontendReader(socket.getInputStream());
    this.out = new BackendWriter(socket.getOutputStream());
  }

  /// Serves the connection until it ends.
  void serve() throws IOException {
    try {
      if (!start()) {
        return;
      }
      boolean open = true;
      while (open) {
        int type = in.read();
        open = type >= 0 && handle(type);
        if (!in.hasMore()) {
          out.flush();
        }
      }
    } catch (ProtocolException e) {
      out.error("FATAL", "08P01", String.valueOf(e.getMessage()));
      out.flush();
    }
  }

  /// Tells a client that there is no place for it.
  void refuse(String why) throws IOException {
    if (hear()) {
      out.error("FATAL", "53300", why);
      out.flush();
    }
  }

  private boolean start() throws IOException {
    if (!hear()) {
      return false;
    }
    in.startupParameters();
    out.authenticationOk();
    out.parameterStatus("client_encoding", "UTF8");
    out.parameterStatus("integer_datetimes", "on");
    out.parameterStatus("server_version", SERVER_VERSION);
    out.readyForQuery();
    out.flush();
    return true;
  }

  /// Hears what the client wants first.
  ///
  /// @return whether it wants a session
  private boolean hear() throws IOException {
    while (true) {
      switch (in.readStartup()) {
        case FrontendReader.SSL_REQUEST, FrontendReader.GSSENC_REQUEST -> out.bare('N');
        case FrontendReader.CANCEL_REQUEST -> {
          return false;
        }
        default -> {
          return true;
        }
      }
    }
  }

  /// @return whether the connection goes on
  private boolean handle(int type) throws IOException {
    switch (type) {
      case 'Q' -> {
        boolean open = run(in.string());
        if (open) {
          out.readyForQuery();
        }
        return open;
      }
      case 'P' -> {
        in.string();
        prepared = in.string();
        if (in.body().remaining() < 2 || in.body().getShort() != 0) {
          throw new ProtocolException("a statement with parameters; commands here have none");
        }
        out.empty('1');
      }
      case 'D' -> out.noParametersNoData();
      case 'B' -> out.empty('2');
      case 'E' -> {
        return run(prepared);
      }
      case 'C' -> out.empty('3');
      case 'S' -> out.readyForQuery();
      case 'H' -> out.flush();
      case 'X' -> {
        return false;
      }
      default -> throw new ProtocolException("an unexpected message of type " + (char) type);
    }
    return true;
  }

  /// Runs a command; what it can't do is an error answer. @return whether the connection goes on
  private boolean run(String command) throws IOException {
    try {
      return dispatch(command.strip().split("\\s+", -1));
    } catch (PageserverException e) {
      out.error("ERROR", e.sqlState(), e.getMessage());
      return true;
    }
  }

  private boolean dispatch(String[] words) throws IOException {
    switch (words[0].toLowerCase(Locale.ROOT)) {
      case "pagestream_v2" -> {
        return pageStream(words, 2);
      }
      case "pagestream_v3" -> {
        return pageStream(words, 3);
      }
      case "fullbackup" -> fullBackup(words);
      case "set" -> out.commandComplete("SET");
      default ->
          throw new InvalidRequest(
              "unknown command \""
                  + words[0]
                  + "\"; the page service has pagestream_v2, pagestream_v3 and fullbackup");
    }
    return true;
  }

  private boolean pageStream(String[] words, int version) throws IOException {
    if (words.length != 3) {
      throw new InvalidRequest(words[0] + " takes a tenant id and a timeline id");
    }
    var stream = new PageStream(timeline(words), version, out);
    out.copyBoth();
    out.flush();
    while (true) {
      switch (in.read()) {
        case 'd' -> {
          stream.answer(in.body());
          // A client that has sent more already wants the answers together, not one by one.
          if (!in.hasMore()) {
            out.flush();
          }
        }
        case 'X', -1 -> {
          return false;
        }
        case 'c' -> {
          out.copyDone();
          out.commandComplete("SELECT 1");
          return true;
        }
        case 'f' -> throw new InvalidRequest("the client gave up: " + in.string());
        default -> throw new ProtocolException("an unexpected message within a page stream");
      }
    }
  }

  private void fullBackup(String[] words) throws IOException {
    if (words.length < 3 || words.length > 5) {
      throw new InvalidRequest("fullbackup takes a tenant id, a timeline id and perhaps an LSN");
    }
    Timeline timeline = timeline(words);
    Lsn lsn = words.length > 3 ? lsn(words[3]) : timeline.lastRecordLsn();
    timeline.awaitLsn(lsn, BACKUP_LSN_WAIT);
    // What is wrong with the LSN is an error of the command; later ones cut the tar short.
    BackupSource.Backup found = backup.of(timeline, lsn);
    out.copyOut();
    found.write(new CopyDataStream(out));
    out.copyDone();
    out.commandComplete("SELECT 1");
  }

  private Timeline timeline(String[] words) {
    TenantId tenant;
    TimelineId id;
    try {
      tenant = TenantId.parse(words[1]);
      id = TimelineId.parse(words[2]);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(String.valueOf(e.getMessage()));
    }
    return tenants
        .find(tenant, id)
        .orElseThrow(
            () -> new NotFound("tenant " + tenant + " has no timeline " + id + " on this server"));
  }

  private static Lsn lsn(String text) {
    try {
      return Lsn.parse(text);
    } catch (IllegalArgumentException e) {
      throw new InvalidRequest(String.valueOf(e.getMessage()));
    }
  }

  /// What is written becomes CopyData messages.
  private static final class CopyDataStream extends OutputStream {

    private final BackendWriter out;

    CopyDataStream(BackendWriter out) {
      this.out = out;
    }

    @Override
    public void write(int one) throws IOException {
      write(new byte[] {(byte) one}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.copyData(bytes, offset, length);
    }
  }
}
