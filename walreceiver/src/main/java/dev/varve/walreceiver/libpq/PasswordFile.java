package dev.varve.walreceiver.libpq;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// A file of passwords, `~/.pgpass` as a rule.
///
/// Each line is `host:port:database:user:password`; each of the first four may be `*` for any; a
/// backslash before a colon or a backslash makes it plain; lines that begin with `#` are comments.
/// The host of a Unix socket is its folder, and `localhost` for where servers have it as a rule.
/// The first line that fits counts. A file that others may read is ignored, as libpq does.
record PasswordFile(Path path) {

  private static final long LONGEST = 1 << 20;
  private static final int FIELDS = 5;
  private static final Set<String> USUAL_SOCKETS =
      Set.of("/tmp", "/var/run/postgresql", "/run/postgresql");

  Optional<String> find(ConnectionInfo.Host host, String database, String user) {
    if (problem().isPresent() || !Files.isRegularFile(path)) {
      return Optional.empty();
    }
    List<String> rest = List.of(String.valueOf(host.port()), database, user);
    try {
      for (String line : Files.readAllLines(path, StandardCharsets.UTF_8)) {
        List<String> fields = line.startsWith("#") ? List.of() : fields(line);
        if (fields.size() == FIELDS
            && fitsHost(fields.getFirst(), host)
            && fits(fields.subList(1, FIELDS - 1), rest)) {
          return Optional.of(unescape(fields.get(FIELDS - 1)));
        }
      }
    } catch (IOException e) {
      // As if it were not there: the server says then that it wants a password.
    }
    return Optional.empty();
  }

  /// Why the file is not used, if it is there and can't be.
  Optional<String> problem() {
    try {
      if (!Files.isRegularFile(path)) {
        return Optional.empty();
      }
      Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
      boolean open = permissions.stream().anyMatch(p -> !p.name().startsWith("OWNER"));
      if (open) {
        return Optional.of("the password file " + path + " is ignored: chmod 600 it");
      }
      if (Files.size(path) > LONGEST) {
        return Optional.of("the password file " + path + " is ignored: it is longer than 1 MiB");
      }
      return Files.isReadable(path)
          ? Optional.empty()
          : Optional.of("the password file " + path + " can't be read");
    } catch (IOException e) {
      return Optional.of("the password file " + path + " can't be read: " + e.getMessage());
    }
  }

  private static boolean fitsHost(String field, ConnectionInfo.Host host) {
    return fits(List.of(field), List.of(host.name()))
        || (USUAL_SOCKETS.contains(host.address()) && fits(List.of(field), List.of("localhost")));
  }

  private static boolean fits(List<String> fields, List<String> wanted) {
    for (int i = 0; i < wanted.size(); i++) {
      String field = fields.get(i);
      if (!field.equals("*") && !unescape(field).equals(wanted.get(i))) {
        return false;
      }
    }
    return true;
  }

  /// Still escaped; the last field is the rest of the line.
  private static List<String> fields(String line) {
    var fields = new ArrayList<String>();
    int start = 0;
    for (int i = 0; i < line.length() && fields.size() < FIELDS - 1; i++) {
      char c = line.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == ':') {
        fields.add(line.substring(start, i));
        start = i + 1;
      }
    }
    fields.add(line.substring(start));
    return fields;
  }

  private static String unescape(String field) {
    return field.replaceAll("\\\\(.)", "$1");
  }
}
