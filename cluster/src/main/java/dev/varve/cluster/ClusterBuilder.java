package dev.varve.cluster;

import dev.varve.model.Lsn;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What a {@link LocalCluster} shall be; {@link #start()} makes it.
///
/// Without further ado: locale C, UTF-8, page checksums on, 16 MiB WAL segments, superuser
/// `postgres` trusted on 127.0.0.1 without a password, `wal_level` replica, `fsync` off.
public final class ClusterBuilder {

  final PostgresBinaries binaries;
  final @Nullable Path existing;
  final List<String> initdb = new ArrayList<>();
  final Map<String, String> settings = new LinkedHashMap<>();
  final List<String> hba = new ArrayList<>();
  String superuser = "postgres";
  @Nullable String password;
  String authentication = "trust";
  boolean checksums = true;
  boolean archive;
  @Nullable RecoveryTarget recovery;
  int port;

  ClusterBuilder(PostgresBinaries binaries, @Nullable Path existing) {
    this.binaries = binaries;
    this.existing = existing;
    settings.put("fsync", "off");
  }

  /// Whether pages have checksums; they do unless told otherwise.
  public ClusterBuilder checksums(boolean on) {
    checksums = on;
    return this;
  }

  /// The size of a WAL segment: a power of two from 1 to 1024.
  public ClusterBuilder walSegmentMegabytes(int size) {
    return initdb("--wal-segsize=" + size);
  }

  /// A further option of initdb.
  public ClusterBuilder initdb(String option) {
    initdb.add(option);
    return this;
  }

  /// A setting, as in `postgresql.conf`. In a new cluster it is written there; an existing data
  /// directory stays as it is and gets it on the command line.
  public ClusterBuilder setting(String name, String value) {
    settings.put(name, value);
    return this;
  }

  /// Leaves `fsync` on: the server survives a power loss, and is slower.
  public ClusterBuilder durable() {
    settings.remove("fsync");
    return this;
  }

  /// The name of the superuser that initdb makes, or that an existing data directory has.
  public ClusterBuilder superuser(String name) {
    superuser = name;
    return this;
  }

  /// The superuser's password, and the method (`scram-sha-256`, `md5` or `password`) by which
  /// clients of 127.0.0.1 prove it.
  public ClusterBuilder password(String secret, String method) {
    password = secret;
    authentication = method;
    return this;
  }

  /// A line of `pg_hba.conf`, before those that initdb writes.
  public ClusterBuilder hba(String line) {
    hba.add(line);
    return this;
  }

  /// Copies every finished WAL segment to {@link LocalCluster#archive()}.
  public ClusterBuilder archive() {
    archive = true;
    return this;
  }

  /// Recovers an existing data directory, a restored base backup, from archived WAL so far.
  public ClusterBuilder recoverTo(Lsn lsn, Path walArchive) {
    recovery = RecoveryTarget.at(lsn, walArchive);
    return this;
  }

  /// {@link #recoverTo(Lsn, Path)} with a choice of what happens at the target.
  public ClusterBuilder recovery(RecoveryTarget target) {
    recovery = target;
    return this;
  }

  /// A fixed port; else a free one is found.
  public ClusterBuilder port(int number) {
    port = number;
    return this;
  }

  /// Makes the cluster and starts it; what exists afterwards takes connections.
  ///
  /// @throws IOException with the end of the server's log, when that fails; nothing is left behind
  public LocalCluster start() throws IOException {
    LocalCluster cluster = create();
    try {
      cluster.start();
      return cluster;
    } catch (IOException | RuntimeException e) {
      cluster.close();
      throw e;
    }
  }

  /// Makes the cluster, and leaves it stopped.
  public LocalCluster create() throws IOException {
    if (existing != null && !Files.exists(existing.resolve("PG_VERSION"))) {
      throw new IOException(existing + " is not the data directory of a PostgreSQL");
    }
    ServerUser user = ServerUser.choose();
    Path base = Files.createTempDirectory("varve-pg" + binaries.major() + "-");
    try {
      user.own(base);
      return new LocalCluster(this, user, base, port == 0 ? LoopbackPort.free() : port);
    } catch (IOException | RuntimeException e) {
      Trees.delete(base);
      throw e;
    }
  }
}
