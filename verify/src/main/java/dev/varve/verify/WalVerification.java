package dev.varve.verify;

import dev.varve.datadir.backup.ArchivedLog;
import dev.varve.datadir.backup.BackupExtraction;
import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.wal.WalRecord;
import dev.varve.redo.ChangeWriter;
import dev.varve.redo.Redo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Replays WAL over a base backup, and compares each record's pages with what the WAL says of them.
///
/// Memory does not grow with the length of the log, only, and little, with the files that it
/// changes. Pages beyond the cache are in scratch files, which grow to the size of what was
/// changed, dropped relations included; a tar is unpacked there first. One thread runs it.
public final class WalVerification {

  /// What to verify.
  ///
  /// @param base a stopped server's data directory, an unpacked base backup, or a backup in tars
  /// @param wal a folder with segments; the base's own are used, too
  /// @param from records before are replayed and not judged
  /// @param to records that begin there or later are not judged, nor replayed beyond their page
  /// @param finished the data directory of the server after a clean stop at the log's end
  /// @param scratch a folder; what is put there is deleted again
  /// @param cachedPages pages kept in memory, 8 KiB each
  public record Options(
      Path base,
      Path wal,
      Optional<Lsn> from,
      Optional<Lsn> to,
      Optional<Path> finished,
      Path scratch,
      int cachedPages) {}

  private final Options options;
  private final LongConsumer progress;
  private final PageObserver observer;
  private final Path folder;
  private final BaseDirectory base;
  private final Findings findings;
  private @Nullable Lsn consistent;
  private @Nullable String reason;

  private WalVerification(
      Options options, LongConsumer progress, PageObserver observer, Path folder)
      throws IOException {
    this.options = options;
    this.progress = progress;
    this.observer = observer;
    this.folder = folder;
    this.base = BaseDirectory.open(directory());
    this.findings = new Findings(base.version());
    this.consistent = base.isConsistent() ? base.start() : null;
  }

  /// @param progress takes now and then up to which LSN it has come
  /// @throws PageserverException.InvalidRequest when the base is none, or the WAL does not begin
  ///   where it does
  public static Verdict run(Options options, LongConsumer progress) throws IOException {
    return run(options, progress, PageObserver.NONE);
  }

  /// @param observer is told each page that the replay makes, while it runs
  /// @see #run(Options, LongConsumer)
  public static Verdict run(Options options, LongConsumer progress, PageObserver observer)
      throws IOException {
    Files.createDirectories(options.scratch());
    Path folder = Files.createTempDirectory(options.scratch(), "varve-verify-");
    try {
      return new WalVerification(options, progress, observer, folder).run();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    } finally {
      delete(folder);
    }
  }

  private Path directory() throws IOException {
    if (Files.exists(options.base().resolve("global/pg_control"))) {
      return options.base();
    }
    Path unpacked = Files.createDirectory(folder.resolve("base"));
    BackupExtraction.extract(options.base(), unpacked);
    return unpacked;
  }

  private Verdict run() throws IOException {
    ArchivedLog log = log();
    ReplayStore store = base.load(scratch("changed"), options.cachedPages());
    store.observe(observer);
    var judge =
        new Judge(
            store,
            redoer(),
            findings,
            base.control().parameters().walLevel(),
            base.isConsistent(),
            options.from().orElse(Lsn.ZERO),
            options.to().orElse(Lsn.MAX));
    if (!base.isConsistent()) {
      judge.leftovers().inBackup(store);
    }
    try (var ingest = new WalIngest(store, judge)) { // closes the store, too
      replay(log, ingest, judge);
      Lsn end = ingest.lastRecord();
      if (options.finished().isPresent() && reason == null) {
        compareFiles(store, judge, options.finished().get(), end);
      }
      return new Verdict(
          base.version().major(),
          base.start(),
          Optional.ofNullable(consistent),
          end,
          Optional.ofNullable(reason),
          findings.counts(),
          findings.mismatches(),
          store.brokenPages(),
          log.leftOut());
    }
  }

  private ArchivedLog log() throws IOException {
    List<Path> folders = new ArrayList<>(List.of(options.wal()));
    Path own = base.directory().resolve("pg_wal");
    if (Files.isDirectory(own)) {
      folders.add(own);
    }
    return ArchivedLog.open(folders, base.control().walSegmentSize(), base.tli(), base.start());
  }

  private Path scratch(String name) throws IOException {
    return Files.createDirectory(folder.resolve(name));
  }

  private Judge.PageRedoer redoer() {
    var redo = new Redo(base.version());
    return new Judge.PageRedoer() {
      private MemorySegment change = MemorySegment.ofArray(new byte[1 << 16]);

      @Override
      public void apply(WalRecord record, int block, Key key, MemorySegment page) {
        int bound = ChangeWriter.sizeBoundWithoutImage(record, block);
        if (change.byteSize() < bound) {
          change = MemorySegment.ofArray(new byte[Integer.highestOneBit(bound) * 2]);
        }
        int length = ChangeWriter.writeWithoutImage(record, block, change, 0);
        redo.apply(key, record.endLsn(), page, change.asSlice(0, length));
      }
    };
  }

  private void replay(ArchivedLog log, WalIngest ingest, Judge judge) throws IOException {
    try {
      boolean done = log.feed(ingest, () -> isDone(ingest, judge));
      if (!done && (options.to().isPresent() || log.goesOn(ingest))) {
        reason = log.end();
      }
    } catch (PageserverException.DataCorrupted | PageserverException.Unsupported e) {
      reason = e.getMessage();
    }
    if (!ingest.lastRecord().isAfter(base.start())) {
      throw new PageserverException.InvalidRequest(
          "there is no WAL from %s on, where the base begins: %s"
              .formatted(base.start(), reason == null ? log.end() : reason));
    }
  }

  private boolean isDone(WalIngest ingest, Judge judge) {
    Lsn at = ingest.lastRecord();
    progress.accept(at.value());
    if (consistent == null) {
      Optional<Lsn> end = base.knownEnd().filter(known -> !at.isBefore(known));
      end.or(() -> ingest.backupEnd(base.start())).ifPresent(lsn -> setConsistent(lsn, judge));
    }
    return options.to().filter(to -> !ingest.position().isBefore(to)).isPresent();
  }

  private void setConsistent(Lsn at, Judge judge) {
    consistent = at;
    judge.setConsistent();
  }

  private void compareFiles(ReplayStore store, Judge judge, Path directory, Lsn end)
      throws IOException {
    BaseDirectory finished = BaseDirectory.open(directory);
    if (finished.control().systemIdentifier() != base.control().systemIdentifier()) {
      throw new PageserverException.InvalidRequest(
          directory + " is of another cluster than " + options.base());
    }
    if (finished.start().isAfter(end)) {
      throw new PageserverException.InvalidRequest(
          "%s was stopped at %s, and the WAL that was replayed ends at %s; give the rest, too"
              .formatted(directory, finished.start(), end));
    }
    try (ReplayStore files = finished.load(scratch("finished"), options.cachedPages())) {
      new FinalComparison(store, files, findings, judge.mapsWithoutBits(), judge.leftovers(), end)
          .run();
    }
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
