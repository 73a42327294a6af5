package dev.varve.datadir;

import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.backup.DataFile;
import dev.varve.postgres.backup.DataFiles;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.page.PageMask;
import dev.varve.postgres.slru.Slru;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/// Compares a view with the files of a server that was stopped at the same LSN, block by block.
///
/// Free space maps are left out, and pages that the log need not agree on are masked. A file may be
/// longer by pages of zeroes: the server makes room ahead without a record.
///
/// CREATE DATABASE with the strategy `wal_log` logs pages of visibility maps as if they were
/// standard pages, so that all their bits fall into the hole: whoever replays that has empty maps.
/// In such databases bits may be missing.
///
/// A statement that is stopped (cancelled, or by a shutdown) after it has made a file and before it
/// has a transaction id leaves a record of the file and none of its end; the server deletes the
/// file all the same. Recovery of that log has an empty file more than the server, and so have we:
/// {@link Result#left}.
public final class FileComparison {

  private final DataDirectory view;
  private final Path directory;
  private final DataFiles names;
  private final List<String> differences = new ArrayList<>();
  private final List<RelationFork> left = new ArrayList<>();
  private final Map<String, Integer> compared = new TreeMap<>();
  private final Set<RelationFork> onDisk = new HashSet<>();
  private final Set<RelationFork> unlogged = new HashSet<>();
  private final Map<Slru, Set<Integer>> segments = new HashMap<>();
  private final MemorySegment ours = MemorySegment.ofArray(new byte[Page.SIZE]);

  private final IntPredicate bitsMayBeMissing;

  private FileComparison(DataDirectory view, Path directory, IntPredicate bitsMayBeMissing) {
    this.view = view;
    this.bitsMayBeMissing = bitsMayBeMissing;
    this.directory = directory;
    this.names = new DataFiles(view.version());
  }

  /// What was compared, and how they differ.
  ///
  /// @param left empty relations that are not on disk; for a server whose statements ran to their
  ///   ends there are none
  public record Result(
      Map<String, Integer> compared, List<String> differences, List<RelationFork> left) {}

  /// @param bitsMayBeMissing databases whose visibility maps may lack bits
  public static Result run(DataDirectory view, Path directory, IntPredicate bitsMayBeMissing)
      throws IOException {
    var comparison = new FileComparison(view, directory, bitsMayBeMissing);
    comparison.compare();
    return new Result(comparison.compared, comparison.differences, comparison.left);
  }

  private void compare() throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(directory, FileVisitOption.FOLLOW_LINKS)) {
      files = walk.filter(Files::isRegularFile).toList();
    }
    for (Path file : files) {
      if (name(file) instanceof DataFile.RelationSegment(int ts, int db, int rel, int fork, _)
          && fork == RelationFork.INIT) {
        unlogged.add(new RelationFork(ts, db, rel, 0));
      }
    }
    for (Path file : files) {
      switch (name(file)) {
        case DataFile.RelationSegment segment -> relation(segment, file);
        case DataFile.SlruSegment segment -> slru(segment, Files.readAllBytes(file));
        case DataFile.RelationMapFile map -> map(map, Files.readAllBytes(file));
        case DataFile.VersionFile(int ts, int db) when db != 0 -> database(ts, db);
        default -> {}
      }
    }
    nothingMore();
  }

  private DataFile name(Path file) {
    return names.of(directory.relativize(file).toString());
  }

  /// The file may have a gigabyte.
  private void relation(DataFile.RelationSegment file, Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path);
        Arena arena = Arena.ofConfined()) {
      relation(file, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena));
    }
  }

  private void relation(DataFile.RelationSegment file, MemorySegment bytes) {
    var fork = new RelationFork(file.tablespace(), file.database(), file.relation(), file.fork());
    onDisk.add(fork);
    boolean reset = unlogged.contains(fork.withFork(0)) && fork.fork() != RelationFork.INIT;
    if (fork.fork() == RelationFork.FREE_SPACE_MAP || reset) {
      return;
    }
    if (!view.exists(fork)) {
      // Up to version 15 a server makes the map's pages, with a header, before there are bits to
      // set.
      if (!isZero(bytes, fork.fork() == RelationFork.VISIBILITY_MAP ? Page.HEADER : 0)) {
        differences.add(fork + " is missing");
      }
      return;
    }
    long first = (long) file.segment() * DataFile.RelationSegment.BLOCKS;
    long pages = bytes.byteSize() / Page.SIZE;
    for (long i = 0; i < pages; i++) {
      byte[] theirs = bytes.asSlice(i * Page.SIZE, Page.SIZE).toArray(PgLayout.BYTE);
      page(fork, (int) (first + i), MemorySegment.ofArray(theirs));
    }
    long size = Integer.toUnsignedLong(view.blocks(fork));
    if (size > first + pages && pages < DataFile.RelationSegment.BLOCKS) {
      differences.add("%s has %d blocks, on disk %d".formatted(fork, size, first + pages));
    }
  }

  private void page(RelationFork fork, int block, MemorySegment theirs) {
    view.page(fork, block, ours);
    String kind = fork.fork() == RelationFork.VISIBILITY_MAP ? "vm" : "page";
    compared.merge(kind, 1, Integer::sum);
    if (fork.fork() == RelationFork.VISIBILITY_MAP) {
      PageMask.lsnAndChecksum(ours);
      PageMask.lsnAndChecksum(theirs);
      ours.asSlice(0, Page.HEADER).fill((byte) 0);
      theirs.asSlice(0, Page.HEADER).fill((byte) 0);
      if (bitsMayBeMissing.test(fork.database())) {
        keepCommonBits(theirs);
      }
    } else {
      PageMask.byLooks(ours, block);
      PageMask.byLooks(theirs, block);
    }
    long at = ours.mismatch(theirs);
    if (at >= 0) {
      differences.add(
          "%s block %d differs at byte %d: %02x, on disk %02x"
              .formatted(
                  fork, block, at, ours.get(PgLayout.BYTE, at), theirs.get(PgLayout.BYTE, at)));
    }
  }

  private void keepCommonBits(MemorySegment theirs) {
    for (int i = 0; i < Page.SIZE; i++) {
      byte both = (byte) (theirs.get(PgLayout.BYTE, i) & ours.get(PgLayout.BYTE, i));
      theirs.set(PgLayout.BYTE, i, both);
    }
  }

  private void slru(DataFile.SlruSegment file, byte[] bytes) {
    segments.computeIfAbsent(file.slru(), _ -> new HashSet<>()).add(file.segment());
    int pages =
        view.slruSegments(file.slru()).stream()
            .filter(segment -> segment.segment() == file.segment())
            .mapToInt(SlruSegment::pages)
            .findFirst()
            .orElse(0);
    for (int i = 0; i < bytes.length / Page.SIZE; i++) {
      byte[] theirs = Arrays.copyOfRange(bytes, i * Page.SIZE, (i + 1) * Page.SIZE);
      int page = file.segment() * Slru.PAGES_PER_SEGMENT + i;
      if (i >= pages) {
        differences.add(file.slru() + " page " + page + " is missing");
        continue;
      }
      view.slruPage(file.slru(), page, ours);
      slruPage(file.slru(), page, MemorySegment.ofArray(theirs));
    }
  }

  private void slruPage(Slru slru, int page, MemorySegment theirs) {
    compared.merge(slru.directory(), 1, Integer::sum);
    if (slru == Slru.MULTIXACT_OFFSETS) {
      maskNextMulti(page, theirs);
    }
    long at = ours.mismatch(theirs);
    if (at >= 0) {
      differences.add(
          "%s page %d differs at byte %d: %02x, on disk %02x"
              .formatted(
                  slru, page, at, ours.get(PgLayout.BYTE, at), theirs.get(PgLayout.BYTE, at)));
    }
  }

  /// Older minor versions do not yet write the next multixact's offset.
  private void maskNextMulti(int page, MemorySegment theirs) {
    int next = view.checkPoint().nextMulti();
    if (Slru.MULTIXACT_OFFSETS.page(next) == page) {
      long at = Slru.MULTIXACT_OFFSETS.indexOnPage(next) * 4L;
      if (theirs.get(PgLayout.INT, at) == 0) {
        ours.set(PgLayout.INT, at, 0);
      }
    }
  }

  private void map(DataFile.RelationMapFile file, byte[] bytes) {
    compared.merge("map", 1, Integer::sum);
    byte[] map = view.relationMap(file.tablespace(), file.database());
    if (map == null || !Arrays.equals(map, bytes)) {
      differences.add("the map of database " + file.database() + " differs");
    }
  }

  private void database(int tablespace, int database) {
    compared.merge("database", 1, Integer::sum);
    if (view.databases().stream()
        .noneMatch(d -> d.tablespace() == tablespace && d.database() == database)) {
      differences.add("database " + tablespace + "/" + database + " is missing");
    }
  }

  private void nothingMore() {
    List<Database> folders = new ArrayList<>(view.databases());
    folders.add(new Database(DirectoryKeys.GLOBAL_TABLESPACE, 0, ""));
    for (Database folder : folders) {
      view.forEachRelation(
          folder.tablespace(),
          folder.database(),
          (fork, blocks) -> {
            boolean map =
                fork.fork() == RelationFork.FREE_SPACE_MAP
                    || fork.fork() == RelationFork.VISIBILITY_MAP;
            if (!onDisk.contains(fork) && blocks != 0) {
              differences.add(fork + " of " + blocks + " blocks is not on disk");
            } else if (!onDisk.contains(fork) && !map) {
              left.add(fork);
            }
          });
      if (folder.database() != 0 && !isOnDisk(folder)) {
        differences.add(folder + " is not on disk");
      }
    }
    for (RelationFork fork : onDisk) {
      if (view.exists(fork)
          && folders.stream()
              .noneMatch(
                  f -> f.tablespace() == fork.tablespace() && f.database() == fork.database())) {
        differences.add("the folder of " + fork + " is not listed");
      }
    }
    for (Slru slru : Slru.values()) {
      for (SlruSegment segment : view.slruSegments(slru)) {
        if (!segments.getOrDefault(slru, Set.of()).contains(segment.segment())) {
          differences.add(segment + " is not on disk");
        }
      }
    }
  }

  private boolean isOnDisk(Database folder) {
    String path =
        folder.tablespace() == DirectoryKeys.DEFAULT_TABLESPACE
            ? "base/" + folder.database()
            : "pg_tblspc/%d/%s/%d"
                .formatted(
                    folder.tablespace(),
                    DataFiles.tablespaceFolder(PgVersion.ofMajor(view.version().major())),
                    folder.database());
    return Files.isDirectory(directory.resolve(path));
  }

  /// @param header bytes at the start of each page that may be anything
  private static boolean isZero(MemorySegment bytes, int header) {
    for (long i = 0; i < bytes.byteSize(); i++) {
      if (bytes.get(PgLayout.BYTE, i) != 0 && i % Page.SIZE >= header) {
        return false;
      }
    }
    return true;
  }
}
