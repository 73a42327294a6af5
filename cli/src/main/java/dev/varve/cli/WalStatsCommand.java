package dev.varve.cli;

import dev.varve.model.Lsn;
import dev.varve.postgres.wal.SegmentName;
import dev.varve.postgres.wal.WalDecoder;
import dev.varve.postgres.wal.WalException;
import dev.varve.postgres.wal.WalStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Counts records by type, as `pg_waldump --stats=record` does.
@Command(
    name = "stats",
    description = {
      "Count the records of WAL segments by type, with their bytes.",
      "The same as pg_waldump --stats=record does. Segments of one PostgreSQL 14 to 18, in "
          + "order and without gaps.%n"
    },
    mixinStandardHelpOptions = true)
final class WalStatsCommand implements Callable<Integer> {

  private static final int CHUNK = 1 << 20;

  @Parameters(paramLabel = "FILE", arity = "1..*", description = "WAL segment files, in order.")
  private List<Path> files = List.of();

  @Option(names = "--json", description = "Print JSON, for programs.")
  private boolean json;

  @Spec private CommandSpec spec;

  /// What has been read so far; made from the first segment's header.
  private @Nullable WalDecoder decoder;

  private @Nullable WalStats stats;

  @Override
  public Integer call() {
    String incomplete = null;
    try (var arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(CHUNK);
      for (Path file : files) {
        read(file, chunk);
        if (decoder != null && decoder.ended()) {
          break;
        }
      }
      finish();
    } catch (WalException e) {
      // As pg_waldump: what was whole is counted, and the end is named.
      incomplete = e.getMessage();
    }
    WalStats counted = stats;
    if (counted == null || counted.total().count() == 0) {
      throw new CliException(incomplete == null ? "no record in these files" : incomplete);
    }
    PrintWriter out = spec.commandLine().getOut();
    out.print(json ? json(counted, incomplete).toPrettyString() + "\n" : counted.table());
    out.flush();
    if (incomplete != null) {
      spec.commandLine().getErr().println("varve: " + incomplete);
      return 1;
    }
    return 0;
  }

  /// A record may go on in a segment that was not given; but a file that ends early is damaged.
  private void finish() {
    WalDecoder last = decoder;
    if (last != null && last.segments().offset(last.position()) != 0) {
      last.finish();
    }
  }

  private void read(Path file, MemorySegment chunk) {
    ByteBuffer buffer = chunk.asByteBuffer();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (true) {
        buffer.clear();
        int read = 0;
        while (buffer.hasRemaining() && (read = channel.read(buffer)) >= 0) {
          // One read may give less than there is.
        }
        if (buffer.position() > 0) {
          feed(file, chunk, buffer.position());
        }
        if (read < 0 || (decoder != null && decoder.ended())) {
          return;
        }
      }
    } catch (NoSuchFileException e) {
      throw new CliException("there is no file " + file, e);
    } catch (IOException e) {
      throw new CliException(file + " can't be read: " + e.getMessage(), e);
    }
  }

  private void feed(Path file, MemorySegment chunk, int length) {
    WalDecoder present = decoder;
    WalStats counts = stats;
    if (present == null || counts == null) {
      refuseCompressed(file, chunk);
      present = WalDecoder.ofSegment(chunk, 0);
      counts = new WalStats(present.version());
      decoder = present;
      stats = counts;
    } else if (present.segments().offset(present.position()) == 0) {
      requireNext(file, present);
    }
    present.feed(chunk, 0, length, counts);
  }

  /// By the first bytes of gzip, LZ4 and zstd; a segment begins with others.
  private static void refuseCompressed(Path file, MemorySegment chunk) {
    int magic = chunk.get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), 0);
    if (magic >>> 16 == 0x1F8B || magic == 0x04224D18 || magic == 0x28B52FFD) {
      throw new CliException(
          file + " is compressed; decompress it first, with gzip -d, lz4 -d or zstd -d");
    }
  }

  /// A gap would be found by the page header, too; the name says it in the user's words.
  private static void requireNext(Path file, WalDecoder decoder) {
    SegmentName.parse(file.getFileName().toString())
        .map(name -> name.start(decoder.segments()))
        .filter(start -> start != decoder.position())
        .ifPresent(_ -> {
          throw new CliException(
              file
                  + " does not follow the file before it; the next would begin at "
                  + Lsn.format(decoder.position()));
        });
  }

  private static ObjectNode json(WalStats stats, @Nullable String incomplete) {
    ObjectNode json = ServerClient.JSON.createObjectNode();
    json.put("start_lsn", Lsn.format(stats.startLsn()));
    json.put("end_lsn", Lsn.format(stats.endLsn()));
    json.put("incomplete", incomplete);
    ArrayNode types = json.putArray("types");
    for (WalStats.Row row : stats.rows()) {
      types.add(row(row));
    }
    json.set("total", row(stats.total()));
    return json;
  }

  private static ObjectNode row(WalStats.Row row) {
    return ServerClient.JSON
        .createObjectNode()
        .put("type", row.type())
        .put("count", row.count())
        .put("record_bytes", row.recordBytes())
        .put("fpi_bytes", row.imageBytes())
        .put("combined_bytes", row.bytes());
  }
}
