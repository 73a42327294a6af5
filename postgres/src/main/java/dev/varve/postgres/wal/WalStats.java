package dev.varve.postgres.wal;

import dev.varve.model.Lsn;
import dev.varve.postgres.PgVersion;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;

/// Counts the records of a log by type, as `pg_waldump --stats=record` and pg_walinspect do: same
/// types, names and sums. Allocates nothing per record. Not thread-safe.
///
/// Of a record's total length, what its page images take (compressed, without their holes, also
/// those for checking only) is image bytes, the rest record bytes.
public final class WalStats implements RecordHandler {

  private static final int TYPES = 16;
  private static final int MANAGERS = 256;

  private final PgVersion version;
  private final long[] counts = new long[MANAGERS * TYPES];
  private final long[] recordBytes = new long[MANAGERS * TYPES];
  private final long[] imageBytes = new long[MANAGERS * TYPES];
  private long start;
  private long end;

  public WalStats(PgVersion version) {
    this.version = version;
  }

  /// The records of one type.
  ///
  /// @param type such as `Heap/INSERT+INIT`, or `Total`
  /// @param recordBytes bytes of them without their page images
  /// @param imageBytes bytes of their page images
  public record Row(String type, long count, long recordBytes, long imageBytes) {

    /// Bytes of them with their page images.
    public long bytes() {
      return recordBytes + imageBytes;
    }
  }

  @Override
  public void record(WalRecord record) {
    int rmgr = record.rmgr();
    int slot = rmgr * TYPES + (RecordType.of(rmgr, record.info()) >> 4);
    int images = 0;
    for (int i = 0; i < record.blockCount(); i++) {
      images += record.imageLength(i);
    }
    counts[slot]++;
    recordBytes[slot] += record.totalLength() - images;
    imageBytes[slot] += images;
    if (end == 0) {
      start = record.startLsn();
    }
    end = record.endLsn();
  }

  /// A row for each type that occurred, by the numbers of resource manager and type.
  public List<Row> rows() {
    var rows = new ArrayList<Row>();
    for (int slot = 0; slot < counts.length; slot++) {
      if (counts[slot] > 0) {
        String type = RecordType.fullName(version, slot / TYPES, slot % TYPES << 4);
        rows.add(new Row(type, counts[slot], recordBytes[slot], imageBytes[slot]));
      }
    }
    return rows;
  }

  /// The sum of all rows.
  public Row total() {
    long count = 0;
    long records = 0;
    long images = 0;
    for (int slot = 0; slot < counts.length; slot++) {
      count += counts[slot];
      records += recordBytes[slot];
      images += imageBytes[slot];
    }
    return new Row("Total", count, records, images);
  }

  /// Where the first record counted begins; 0 when there was none.
  public long startLsn() {
    return start;
  }

  /// Where the last record counted ends; 0 when there was none.
  public long endLsn() {
    return end;
  }

  /// The table that pg_waldump prints, line by line the same.
  public String table() {
    Row total = total();
    var table = new Formatter(Locale.ROOT);
    table.format("WAL statistics between %s and %s:\n", Lsn.format(start), Lsn.format(end));
    String heading = "%-27s %20s %8s %20s %8s %20s %8s %20s %8s\n";
    table.format(
        heading,
        "Type",
        "N",
        "(%)",
        "Record size",
        "(%)",
        "FPI size",
        "(%)",
        "Combined size",
        "(%)");
    table.format(
        heading,
        "----",
        "-",
        "---",
        "-----------",
        "---",
        "--------",
        "---",
        "-------------",
        "---");
    for (Row row : rows()) {
      table.format(
          "%-27s %20d (%6s) %20d (%6s) %20d (%6s) %20d (%6s)\n",
          row.type,
          row.count,
          percent(row.count, total.count),
          row.recordBytes,
          percent(row.recordBytes, total.recordBytes),
          row.imageBytes,
          percent(row.imageBytes, total.imageBytes),
          row.bytes(),
          percent(row.bytes(), total.bytes()));
    }
    String rule = "--------";
    table.format("%-27s %20s %8s %20s %8s %20s %8s %20s\n", "", rule, "", rule, "", rule, "", rule);
    table.format(
        "%-27s %20d %-9s%20d %-9s%20d %-9s%20d %-6s\n",
        total.type,
        total.count,
        "",
        total.recordBytes,
        share(total.recordBytes, total.bytes()),
        total.imageBytes,
        share(total.imageBytes, total.bytes()),
        total.bytes(),
        "[100%]");
    return table.toString();
  }

  /// With two digits, rounded as C rounds.
  private static String percent(long part, long whole) {
    double percent = whole == 0 ? 0 : 100 * (double) part / whole;
    return new BigDecimal(percent).setScale(2, RoundingMode.HALF_EVEN).toPlainString();
  }

  private static String share(long part, long whole) {
    return "[" + percent(part, whole) + "%]";
  }
}
