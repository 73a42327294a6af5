package dev.varve.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// The user of this machine that PostgreSQL runs as: it refuses to run as root.
///
/// Not root: whoever runs this JVM. Root: the user `postgres` if there is one, else `nobody`, else
/// the first of `/etc/passwd` that is not root; `initdb` wants the user to be listed there. Root
/// changes to it through `setpriv` (util-linux), which replaces itself by the program, so that the
/// process that Java started is the program itself.
final class ServerUser {

  private static final Path PASSWORDS = Path.of("/etc/passwd");
  private static final List<String> PREFERRED = List.of("postgres", "nobody");

  /// Null: whoever runs this JVM.
  private final @Nullable Entry other;

  private ServerUser(@Nullable Entry other) {
    this.other = other;
  }

  private record Entry(String name, int uid, int gid) {}

  static ServerUser choose() throws IOException {
    if (!System.getProperty("user.name").equals("root")) {
      return new ServerUser(null);
    }
    List<Entry> entries;
    try (Stream<String> lines = Files.lines(PASSWORDS)) {
      entries = lines.flatMap(ServerUser::entry).filter(entry -> entry.uid() != 0).toList();
    }
    for (String name : PREFERRED) {
      for (Entry entry : entries) {
        if (entry.name().equals(name)) {
          return new ServerUser(entry);
        }
      }
    }
    return new ServerUser(
        entries.stream()
            .findFirst()
            .orElseThrow(() ->
                new IOException(
                    "PostgreSQL does not run as root, and "
                        + PASSWORDS
                        + " has no other user; add one")));
  }

  private static Stream<Entry> entry(String line) {
    String[] fields = line.split(":", -1);
    if (fields.length < 4 || !fields[2].matches("\\d{1,9}") || !fields[3].matches("\\d{1,9}")) {
      return Stream.empty();
    }
    return Stream.of(
        new Entry(fields[0], Integer.parseInt(fields[2]), Integer.parseInt(fields[3])));
  }

  /// The command line that runs the program as this user.
  List<String> command(List<String> program) {
    if (other == null) {
      return program;
    }
    var command = new ArrayList<String>();
    command.add("setpriv");
    command.add("--reuid=" + other.uid());
    command.add("--regid=" + other.gid());
    command.add("--clear-groups");
    command.addAll(program);
    return command;
  }

  /// Makes a directory that only this user, and root, can enter.
  Path makeDirectory(Path directory) throws IOException {
    Files.createDirectory(directory);
    own(directory);
    return directory;
  }

  /// Gives a directory to this user and closes it to others, as PostgreSQL demands.
  void own(Path directory) throws IOException {
    if (other != null) {
      Trees.own(directory, principal(other));
    }
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
  }

  /// Gives a whole tree to this user; without effect when this JVM does not run as root.
  void ownTree(Path root) throws IOException {
    if (other != null) {
      Trees.give(root, principal(other));
    }
  }

  private static UserPrincipal principal(Entry entry) throws IOException {
    return Path.of("/")
        .getFileSystem()
        .getUserPrincipalLookupService()
        .lookupPrincipalByName(entry.name());
  }

  @Override
  public String toString() {
    return other == null ? System.getProperty("user.name") : other.name();
  }
}
