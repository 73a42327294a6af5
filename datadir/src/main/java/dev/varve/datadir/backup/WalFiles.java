package dev.varve.datadir.backup;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.backup.WalPath;
import dev.varve.postgres.wal.WalSegments;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// WAL as segment files in folders: the first that has a segment gives it, a whole one before a
/// partial one. {@link WalFileName} has the names that it looks for.
///
/// A server that is promoted copies what the segment at hand has so far to the first of its new
/// PostgreSQL timeline. So a segment may be read from the file of any that it has bytes of, up to
/// where that one was left; the newest has most.
final class WalFiles {

  private static final int PAGE = WalSegments.PAGE_SIZE;

  /// Where a page's header has the page's own LSN.
  private static final int PAGE_ADDRESS = 8;

  private final List<Path> folders;
  private final WalSegments segments;
  private String end = "";

  WalFiles(List<Path> folders, WalSegments segments) {
    this.folders = List.copyOf(folders);
    this.segments = segments;
  }

  /// @param tli the PostgreSQL timeline that the file is of
  private record Found(Path file, int tli) {

    boolean isPartial() {
      return file.getFileName().toString().contains(".partial");
    }
  }

  /// Feeds the log page by page, from where the ingest is, until `done` says so or there is no more
  /// of it. A page at a time, since what follows the end of the log in a segment may be anything.
  ///
  /// @param path what the log is made of
  /// @return whether it is done
  /// @throws PageserverException.DataCorrupted when the log is damaged, or a file can't be unpacked
  boolean feed(WalIngest ingest, WalPath path, BooleanSupplier done) throws IOException {
    while (!done.getAsBoolean()) {
      Lsn at = ingest.position();
      Found found = ingest.ended() ? null : find(path, at);
      if (found == null || !feed(ingest, found, path, done)) {
        return done.getAsBoolean();
      }
    }
    return true;
  }

  /// Whether there is more of the log than was fed, when {@link #feed} found no more.
  ///
  /// Zeroes end it where a server wrote no further: what follows then are segments that the server
  /// keeps for later, with other addresses in them. If the next one has its own address, the file
  /// with the zeroes was copied too early.
  boolean goesOn(WalIngest ingest, WalPath path, WalArchive archive) throws IOException {
    Lsn at = ingest.position();
    if (!ingest.ended()) {
      return archive.goesOnAfter(path, at);
    }
    String before = end;
    var next = new Lsn(segments.startOf(at.value()) + segments.size());
    Found found = find(path, next);
    end = before;
    if (found == null) {
      return false;
    }
    try (InputStream in = Unpacked.open(found.file())) {
      byte[] header = in.readNBytes(PAGE_ADDRESS + Long.BYTES);
      return header.length == PAGE_ADDRESS + Long.BYTES
          && MemorySegment.ofArray(header).get(PgLayout.LONG, PAGE_ADDRESS) == next.value();
    }
  }

  /// Why there was no more of the log when {@link #feed} said so, for people.
  String end() {
    return end;
  }

  /// @return whether all of the file was fed that is of the path, or it is done
  private boolean feed(WalIngest ingest, Found found, WalPath path, BooleanSupplier done)
      throws IOException {
    long from = ingest.position().value();
    long segmentEnd = segments.startOf(from) + segments.size();
    long limit = Lsn.min(new Lsn(segmentEnd), path.endOf(found.tli())).value();
    try (var in = new WalFileReader(found.file(), segments.offset(from))) {
      for (long at = from; at < limit && !done.getAsBoolean(); ) {
        int length = (int) Math.min(PAGE - (at & (PAGE - 1)), limit - at);
        int read = in.next(length);
        ingest.feed(at, in.bytes(), in.offset(), read);
        at += read;
        if (ingest.ended() || read < length) {
          return ended(ingest, found.file(), read < length);
        }
      }
      return true;
    } catch (IOException e) {
      if (found.isPartial()) {
        return ended(ingest, found.file(), true); // Its writer was stopped anywhere.
      }
      throw new PageserverException.DataCorrupted(
          found.file() + " can't be read: " + e.getMessage(), e);
    }
  }

  private boolean ended(WalIngest ingest, Path file, boolean early) {
    end = file + (early ? " ends before its segment does" : " has zeroes from there on");
    end += ", at " + ingest.position();
    return false;
  }

  private @Nullable Found find(WalPath path, Lsn lsn) {
    var segmentEnd = new Lsn(segments.startOf(lsn.value()) + segments.size());
    for (int tli : path.tlisBetween(lsn, segmentEnd)) {
      String name = segments.nameOf(tli, lsn.value()).toString();
      for (String suffix : WalFileName.SEGMENT_SUFFIXES) {
        for (Path folder : folders) {
          Path file = folder.resolve(name + suffix);
          if (Files.isRegularFile(file)) {
            return new Found(file, tli);
          }
        }
      }
    }
    end = "there is no segment " + segments.nameOf(path.tliAt(lsn), lsn.value());
    return null;
  }
}
