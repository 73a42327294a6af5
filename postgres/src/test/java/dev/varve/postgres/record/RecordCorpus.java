package dev.varve.postgres.record;

import dev.varve.postgres.PgVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/// Records that real servers wrote (14.24, 15.19, 16.15, 17.11 and 18.6), without those of access
/// methods: `src/test/resources/records`, one a line:
///
/// resource manager, info in hex, transaction id, start LSN in decimal, origin, main data in hex.
record RecordCorpus(
    PgVersion version, int rmgr, int info, int xid, long lsn, int origin, MemorySegment data) {

  static Stream<RecordCorpus> all() {
    return Stream.of(PgVersion.values()).flatMap(version -> of(version).stream());
  }

  static List<RecordCorpus> of(PgVersion version) {
    String name = "/records/" + version.major() + ".txt";
    try (InputStream file = RecordCorpus.class.getResourceAsStream(name)) {
      return new String(file.readAllBytes(), StandardCharsets.US_ASCII)
          .lines()
          .map(line -> parse(version, line))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static RecordCorpus parse(PgVersion version, String line) {
    String[] fields = line.split(" ", -1);
    String hex = fields[5].equals("-") ? "" : fields[5];
    return new RecordCorpus(
        version,
        Integer.parseInt(fields[0]),
        Integer.parseInt(fields[1], 16),
        Integer.parseInt(fields[2]),
        Long.parseLong(fields[3]),
        Integer.parseInt(fields[4]),
        MemorySegment.ofArray(HexFormat.of().parseHex(hex)));
  }

  Payload payload() {
    return new Payload(version, "test", info, data, lsn);
  }

  RecordCorpus with(MemorySegment other) {
    return new RecordCorpus(version, rmgr, info, xid, lsn, origin, other);
  }

  /// Whether there is a decoder for it.
  boolean isDecoded() {
    return switch (rmgr) {
      case 1 -> TransactionRecord.isEnd(info) || TransactionRecord.isPrepare(info);
      case 8 -> (info & 0xF0) == RunningTransactions.TYPE;
      default -> true;
    };
  }

  /// Decodes it and touches everything in it.
  Object decode() {
    return switch (rmgr) {
      case 0 -> XlogRecord.read(payload());
      case 1 -> TransactionRecord.isPrepare(info) ? prepared() : end();
      case 2 -> StorageRecord.read(payload());
      case 3 -> CommitLogRecord.read(payload());
      case 4 -> DatabaseRecord.read(payload());
      case 5 -> TablespaceRecord.read(payload());
      case 6 -> multixact();
      case 7 -> RelationMapRecord.read(payload());
      case 8 -> running();
      case 18 -> CommitTimestampRecord.read(payload());
      case 19 -> OriginRecord.read(payload());
      default -> throw new IllegalStateException("resource manager " + rmgr);
    };
  }

  TransactionRecord end() {
    var end = new TransactionRecord();
    end.parse(version, data, 0, (int) data.byteSize(), info, xid, lsn);
    for (int i = 0; i < end.subtransactionCount(); i++) {
      end.subtransaction(i);
    }
    for (int i = 0; i < end.relationCount(); i++) {
      end.relation(i);
    }
    end.name();
    end.originTime();
    end.database();
    return end;
  }

  PreparedTransaction prepared() {
    var prepared = PreparedTransaction.read(payload());
    for (int i = 0; i < prepared.subtransactionCount(); i++) {
      prepared.subtransaction(i);
    }
    prepared.name();
    return prepared;
  }

  private MultixactRecord multixact() {
    MultixactRecord record = MultixactRecord.read(payload());
    if (record instanceof MultixactRecord.Create create) {
      for (int i = 0; i < create.count(); i++) {
        create.xid(i);
      }
    }
    return record;
  }

  private RunningTransactions running() {
    RunningTransactions running = RunningTransactions.read(payload());
    for (int i = 0; i < running.count(); i++) {
      running.xid(i);
    }
    return running;
  }

  @Override
  public String toString() {
    return "%s rmgr %d info %02X at %X".formatted(version, rmgr, info, lsn);
  }
}
