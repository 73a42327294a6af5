package dev.varve.verify;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.datadir.backup.BackupImport;
import dev.varve.datadir.backup.ImageTarget;
import dev.varve.datadir.backup.ImportProgress;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.BackupLabel;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.control.ClusterState;
import dev.varve.postgres.control.ControlFile;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A data directory on disk, which is only read: that of a stopped server, or an unpacked base
/// backup. Tablespaces are where its links lead to.
///
/// @param label null for a stopped server's
record BaseDirectory(Path directory, ControlFile control, @Nullable BackupLabel label) {

  /// @throws PageserverException.InvalidRequest when it is none, or one of a server that ran
  static BaseDirectory open(Path directory) throws IOException {
    Path control = directory.resolve("global/pg_control");
    if (!Files.isRegularFile(control)) {
      throw new PageserverException.InvalidRequest(
          directory
              + " is neither a data directory nor a tar: it has no file global/pg_control; name a"
              + " stopped server's data directory, an unpacked base backup or its base.tar");
    }
    ControlFile file = ControlFile.parse(MemorySegment.ofArray(Files.readAllBytes(control)));
    Path label = directory.resolve("backup_label");
    BackupLabel backup =
        Files.isRegularFile(label) ? BackupLabel.parse(Files.readAllBytes(label)) : null;
    if (backup == null && file.state() != ClusterState.SHUT_DOWN) {
      throw new PageserverException.InvalidRequest(
          directory
              + " is not of a primary that was shut down, and has no backup_label: stop the server,"
              + " or use pg_basebackup");
    }
    return new BaseDirectory(directory, file, backup);
  }

  PgVersion version() {
    return control.version();
  }

  /// Where its WAL starts.
  Lsn start() {
    return label == null ? new Lsn(control.checkPoint().redo()) : label.start();
  }

  /// The PostgreSQL timeline that its WAL starts on.
  int tli() {
    return label == null ? control.checkPoint().tli() : label.tli();
  }

  /// Where a backup taken from a standby ends; empty for others, whose end a record tells.
  Optional<Lsn> knownEnd() {
    return label != null && label.fromStandby()
        ? Optional.of(new Lsn(control.minRecoveryPoint()))
        : Optional.empty();
  }

  /// Whether it is of one moment.
  boolean isConsistent() {
    return label == null;
  }

  /// Makes a store that begins with this directory. Pages of relations are read when they are
  /// needed; the rest, which is small, is read now.
  ///
  /// @param scratch an empty folder for what will be changed
  ReplayStore load(Path scratch, int frames) throws IOException {
    Map<Stretch, Path> stretches = new HashMap<>();
    List<Path> others = new ArrayList<>();
    Map<DataFile.RelationSegment, Long> relations = new HashMap<>();
    find(stretches, relations, others);
    var store =
        new ReplayStore(
            version(), start(), new PageStore(new ChangedPages(stretches, scratch), frames));
    try (var files = new BackupImport(new Target(store), ImportProgress.NONE)) {
      relations.forEach(files::leave);
      for (Path file : others) {
        try (InputStream in = Files.newInputStream(file)) {
          files.file(0, directory.relativize(file).toString(), Files.size(file), in);
        }
      }
      files.finish();
      return store;
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
  }

  private void find(
      Map<Stretch, Path> stretches,
      Map<DataFile.RelationSegment, Long> relations,
      List<Path> others)
      throws IOException {
    var names = new DataFiles(version());
    try (Stream<Path> paths = Files.walk(directory, FileVisitOption.FOLLOW_LINKS)) {
      for (Path path : (Iterable<Path>) paths.filter(Files::isRegularFile)::iterator) {
        DataFile file = names.of(directory.relativize(path).toString());
        switch (file) {
          case DataFile.RelationSegment segment -> {
            relations.put(segment, Files.size(path));
            stretches.put(stretch(segment), path);
          }
          case DataFile.SlruSegment _,
              DataFile.RelationMapFile _,
              DataFile.VersionFile _,
              DataFile.Control _,
              DataFile.TwoPhase _,
              DataFile.Label _,
              DataFile.TablespaceMapFile _ ->
              others.add(path);
          case DataFile.Other(String name) -> {
            if (name.startsWith("pg_logical/")) {
              others.add(path); // origins; the configuration is of no use here
            }
          }
          case DataFile.WalSegment _,
              DataFile.TimelineHistoryFile _,
              DataFile.Manifest _,
              DataFile.Ignored _ -> {}
        }
      }
    }
  }

  private static Stretch stretch(DataFile.RelationSegment segment) {
    return new Stretch(
        Key.upper(DirectoryKeys.PAGE, segment.tablespace()),
        Key.middle(segment.database(), segment.relation()),
        segment.fork(),
        segment.segment());
  }

  /// Puts what an import finds into a store.
  private record Target(ReplayStore store) implements ImageTarget {

    @Override
    public String name() {
      return store.name();
    }

    @Override
    public PgVersion version() {
      return store.version();
    }

    @Override
    public Lsn start() {
      return store.start();
    }

    @Override
    public void image(
        long upper, long middle, long lower, MemorySegment bytes, long offset, int length) {
      store.image(upper, middle, lower, store.start().value(), bytes, offset, length);
    }

    @Override
    public void finish() {}

    @Override
    public void close() {}
  }
}
