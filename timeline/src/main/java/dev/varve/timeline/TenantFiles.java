package dev.varve.timeline;

import static java.lang.System.Logger.Level.WARNING;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// The data directory:
///
/// | path                                      | content                                        |
/// |-------------------------------------------|------------------------------------------------|
/// | `varve.lock`                              | {@link DirectoryLock}                          |
/// | `tenants/<tenant>/tenant.json`            | {@link TenantRecord}, if it is in an object    |
/// |                                           | store, or something was set for it             |
/// | `tenants/<tenant>/timelines/<timeline>/`  | {@link TimelineFiles}                          |
/// | `tenants/<tenant>/timelines/….___deleted/`| a timeline that is being deleted               |
/// | `tenants/….___attaching/`                 | a tenant that is being attached: it does not   |
/// |                                           | count yet                                      |
/// | `tenants/….___deleted/`                   | a tenant that was detached                     |
///
/// A timeline exists when its directory has its plain name and holds a whole `timeline.json`:
/// making one ends with that file, and deleting one begins with another name. What a crash leaves
/// of either is deleted at the next start.
///
/// Of a timeline of a tenant that is in an object store, the directory that is being deleted stays,
/// empty, until all that the store has of it is deleted: it alone says that it was to be. A
/// timeline whose directory is gone without that is missing, and not deleted.
final class TenantFiles {

  private static final System.Logger LOG = System.getLogger(TenantFiles.class.getName());

  private static final String DELETED = ".___deleted";

  private static final String ATTACHING = ".___attaching";

  private static final String RECORD = "tenant.json";

  private final Path tenants;

  TenantFiles(Path data) {
    tenants = data.resolve("tenants");
  }

  TimelineFiles timeline(TenantId tenant, TimelineId id) {
    return new TimelineFiles(timelines(tenant).resolve(id.toString()));
  }

  /// All tenants that have a directory.
  List<TenantId> tenants() throws IOException {
    return children(tenants).stream()
        .map(tenant -> tenant.getFileName().toString())
        .filter(TenantFiles::isId)
        .map(TenantId::parse)
        .toList();
  }

  private Path recordFile(TenantId tenant) {
    return tenants.resolve(tenant.toString()).resolve(RECORD);
  }

  /// What was last {@linkplain #write written} of a tenant.
  ///
  /// @throws IOException with a sentence, when that is not known
  TenantRecord record(TenantId tenant) throws IOException {
    Path file = recordFile(tenant);
    return Files.exists(file) ? TenantRecord.read(file, tenant) : TenantRecord.of(tenant);
  }

  /// Notes durably what is known of a tenant.
  void write(TenantRecord record) throws IOException {
    Path file = recordFile(record.tenant());
    DurableFile.createDirectories(file.resolveSibling(".").normalize());
    DurableFile.replace(file, record.bytes());
  }

  /// Whether an object store has something of a tenant, or may have.
  private boolean isStored(TenantId tenant) {
    try {
      return record(tenant).isStored();
    } catch (IOException e) {
      LOG.log(WARNING, "not known whether tenant " + tenant + " is in an object store", e);
      return true;
    }
  }

  private Path timelines(TenantId tenant) {
    return tenants.resolve(tenant.toString()).resolve("timelines");
  }

  /// Makes the directory of a new timeline, durably. Nothing waits for a rename: on most file
  /// systems that would be a second wait for the journal, where here the first sync does the work
  /// of all three.
  void create(TimelineIdentity identity, IndexPart index) throws IOException {
    Path timelines = timelines(identity.tenant());
    Path directory = timelines.resolve(identity.id().toString());
    DurableFile.createDirectories(timelines);
    deleteTree(directory); // what is left of an attempt that failed
    try {
      Files.createDirectory(directory);
      new TimelineFiles(directory).create(identity, index);
      DurableFile.syncDirectory(timelines);
    } catch (IOException e) {
      try {
        deleteTree(directory);
        DurableFile.syncDirectory(timelines);
      } catch (IOException next) {
        e.addSuppressed(next);
      }
      throw e;
    }
  }

  /// Renames a directory durably, or, failing that, not at all.
  private static void rename(Path from, Path to) throws IOException {
    Path parent = from.resolveSibling(".").normalize();
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    try {
      DurableFile.syncDirectory(parent);
    } catch (IOException e) {
      try {
        Files.move(to, from, StandardCopyOption.ATOMIC_MOVE);
        DurableFile.syncDirectory(parent);
      } catch (IOException next) {
        e.addSuppressed(next);
      }
      throw e;
    }
  }

  /// Makes a timeline's directory not count any more, durably.
  ///
  /// @return where it is now, to be {@linkplain #deleteTree deleted}
  Path setAside(TimelineFiles files) throws IOException {
    Path directory = files.directory();
    Path aside = directory.resolveSibling(directory.getFileName() + DELETED);
    deleteTree(aside);
    rename(directory, aside);
    return aside;
  }

  /// Deletes what was {@linkplain #setAside set aside}; the empty directory stays while an object
  /// store may have something of the timeline.
  void deleteAside(Path aside) throws IOException {
    if (isStored(tenantOf(aside))) {
      for (Path child : children(aside)) {
        deleteTree(child);
      }
    } else {
      deleteTree(aside);
    }
  }

  /// @param timeline a directory in a tenant's
  private static TenantId tenantOf(Path timeline) {
    return TenantId.parse(timeline.resolve("../..").normalize().getFileName().toString());
  }

  private Path aside(TenantId tenant, TimelineId id) {
    return timelines(tenant).resolve(id + DELETED);
  }

  /// Timelines that were deleted here, and that the object store may still have something of.
  List<TimelineId> deleted(TenantId tenant) throws IOException {
    Path timelines = timelines(tenant);
    if (!isStored(tenant) || !Files.isDirectory(timelines)) {
      return List.of();
    }
    return children(timelines).stream()
        .map(timeline -> timeline.getFileName().toString())
        .filter(name -> name.endsWith(DELETED))
        .map(name -> name.substring(0, name.length() - DELETED.length()))
        .filter(TenantFiles::isId)
        .map(TimelineId::parse)
        .toList();
  }

  /// Whether a timeline of this id was deleted, and the object store may still have something of
  /// it.
  boolean isDeleted(TimelineKey key) {
    return Files.exists(aside(key.tenant(), key.id())) && isStored(key.tenant());
  }

  /// The object store has nothing of a deleted timeline any more.
  ///
  /// @return false when files of it are still being deleted; nothing has changed then
  boolean forgetDeleted(TimelineKey key) throws IOException {
    try {
      Files.deleteIfExists(aside(key.tenant(), key.id()));
      return true;
    } catch (DirectoryNotEmptyException _) {
      return false;
    }
  }

  /// The directories of all timelines; deletes those that don't count.
  ///
  /// @param leftOver gets those that could not be deleted
  List<TimelineFiles> list(List<Path> leftOver) throws IOException {
    DurableFile.createDirectories(tenants);
    var all = new ArrayList<TimelineFiles>();
    for (Path tenant : children(tenants)) {
      String name = tenant.getFileName().toString();
      if (name.endsWith(DELETED) || name.endsWith(ATTACHING)) {
        tryToDelete(() -> deleteTree(tenant), tenant, _ -> {}); // or at the next start
      } else {
        all.addAll(list(tenant, leftOver));
      }
    }
    return all;
  }

  /// Those of one tenant.
  List<TimelineFiles> list(TenantId tenant, List<Path> leftOver) throws IOException {
    return list(tenants.resolve(tenant.toString()), leftOver);
  }

  private List<TimelineFiles> list(Path tenant, List<Path> leftOver) throws IOException {
    Path timelines = tenant.resolve("timelines");
    if (!Files.isDirectory(timelines)) {
      return List.of();
    }
    var all = new ArrayList<TimelineFiles>();
    for (Path timeline : children(timelines)) {
      String name = timeline.getFileName().toString();
      boolean isOurs = isId(tenant.getFileName().toString());
      if (isOurs && name.endsWith(DELETED)) {
        tryToDelete(() -> deleteAside(timeline), timeline, leftOver::add);
      } else if (isOurs && isId(name)) {
        var files = new TimelineFiles(timeline);
        if (isUnfinished(files)) {
          LOG.log(WARNING, "{0} was never finished; it goes", timeline);
          // Or when its id is used, or at the next start.
          tryToDelete(() -> deleteTree(timeline), timeline, _ -> {});
        } else {
          all.add(files);
        }
      } else {
        LOG.log(WARNING, "{0} is no timeline and is left alone", timeline);
      }
    }
    return all;
  }

  /// Makes the directory of a tenant that comes from the object store: all of it, durably, or
  /// nothing that counts. There is none.
  void create(TenantRecord record, List<Attaching.Stored> timelines) throws IOException {
    Path directory = tenants.resolve(record.tenant().toString());
    Path beside = directory.resolveSibling(directory.getFileName() + ATTACHING);
    DurableFile.createDirectories(tenants);
    deleteTree(beside); // what is left of an attempt that failed
    Path within = beside.resolve("timelines");
    DurableFile.createDirectories(within);
    DurableFile.write(beside.resolve(RECORD), record.bytes());
    for (Attaching.Stored stored : timelines) {
      Path timeline = within.resolve(stored.identity().id().toString());
      Files.createDirectory(timeline);
      var files = new TimelineFiles(timeline);
      files.create(stored.identity(), stored.index().withLayers(List.of()));
      files.writeIndex(stored.index());
      files.noteEvicted();
    }
    DurableFile.syncDirectory(within);
    DurableFile.syncDirectory(beside);
    rename(beside, directory);
  }

  /// Makes a tenant's directory not count any more, durably.
  ///
  /// @return where it is now, to be {@linkplain #deleteTree deleted}
  Path setAside(TenantId tenant) throws IOException {
    Path directory = tenants.resolve(tenant.toString());
    Path aside = directory.resolveSibling(directory.getFileName() + DELETED);
    deleteTree(aside);
    rename(directory, aside);
    return aside;
  }

  private interface Step {
    void run() throws IOException;
  }

  private static void tryToDelete(Step deletion, Path directory, Consumer<Path> failed) {
    try {
      deletion.run();
    } catch (IOException e) {
      LOG.log(WARNING, "can't be deleted: " + directory, e);
      failed.accept(directory);
    }
  }

  boolean hasTenant(TenantId id) {
    return Files.isDirectory(tenants.resolve(id.toString()));
  }

  boolean hasTimeline(TimelineKey key) {
    return Files.isDirectory(timeline(key.tenant(), key.id()).directory());
  }

  /// One that can't be looked into is not: it is opened, and says itself what is wrong.
  private static boolean isUnfinished(TimelineFiles files) {
    try {
      return files.isUnfinished();
    } catch (IOException e) {
      LOG.log(WARNING, "can't look into " + files.directory(), e);
      return false;
    }
  }

  private static boolean isId(String name) {
    return name.matches("[0-9a-f]{32}");
  }

  private static List<Path> children(Path directory) throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.sorted().toList();
    }
  }

  /// Deletes a tenant's directories if the timeline was its last. A branch needs its ancestor to be
  /// there, and a root comes with a tenant of its own: so none is being made meanwhile.
  ///
  /// @return the tenant, if it is gone
  Optional<TenantId> deleteIfLast(Path timeline) throws IOException {
    TenantId tenant = tenantOf(timeline);
    Path timelines = timelines(tenant);
    try {
      Files.deleteIfExists(timelines);
      if (!isStored(tenant)) {
        Files.deleteIfExists(recordFile(tenant));
        Files.deleteIfExists(timelines.resolveSibling(".").normalize());
        return Optional.of(tenant);
      }
    } catch (DirectoryNotEmptyException _) {
      // It has others.
    }
    return Optional.empty();
  }

  /// Deletes a directory and all in it; it may not exist.
  static void deleteTree(Path directory) throws IOException {
    List<Path> deepestFirst;
    try (Stream<Path> paths = Files.walk(directory)) {
      deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
    } catch (NoSuchFileException e) {
      return;
    }
    for (Path path : deepestFirst) {
      Files.deleteIfExists(path);
    }
  }
}
