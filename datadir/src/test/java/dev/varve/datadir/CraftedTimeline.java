package dev.varve.datadir;

import dev.varve.datadir.ingest.WalIngest;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.control.CheckPoint;
import dev.varve.postgres.control.ControlFile;
import dev.varve.postgres.control.ControlVersions;
import dev.varve.postgres.control.ServerParameters;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.ImageLoad;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/// A timeline with an empty data directory, and a crafted log that is taken into it.
public final class CraftedTimeline implements AutoCloseable {

  public static final RelationFork TABLE = new RelationFork(1663, 5, 16384, 0);
  public static final RelationFork MAP = TABLE.withFork(RelationFork.VISIBILITY_MAP);

  private static final long START = 3L * CraftedLog.SEGMENT_SIZE;

  private final PgVersion version;
  private final TestTimelines timelines;
  private final CraftedLog log;
  private Timeline timeline;
  private WalIngest ingest;

  public CraftedTimeline(Path folder, PgVersion version) throws IOException {
    this(folder, version, _ -> {});
  }

  /// @param prepare changes the checkpoint that the directory starts with
  public CraftedTimeline(Path folder, PgVersion version, Consumer<CheckPoint> prepare)
      throws IOException {
    this(new TestTimelines(folder), version, prepare);
  }

  /// @param timelines closed with this
  public CraftedTimeline(TestTimelines timelines, PgVersion version, Consumer<CheckPoint> prepare) {
    this.version = version;
    this.timelines = timelines;
    log = new CraftedLog(version, START);
    timeline = timelines.create("crafted", version, new Lsn(START));
    var checkPoint = new CheckPoint(version);
    checkPoint.setNextXid(700);
    checkPoint.setNextOid(20_000);
    checkPoint.setNextMulti(1);
    checkPoint.setNextMultiOffset(1);
    checkPoint.setOldestXid(3, 1);
    checkPoint.setOldestMulti(1, 1);
    checkPoint.setTli(1);
    checkPoint.setPreviousTli(1);
    prepare.accept(checkPoint);
    try (ImageLoad load = timeline.imageLoad(new Lsn(START))) {
      put(load, DirectoryKeys.CONTROL_FILE, controlFile(version).toBytes());
      put(load, DirectoryKeys.CHECKPOINT, checkPoint.toBytes());
      load.finish();
    }
    ingest = new WalIngest(timeline);
    timeline.markImported(new Lsn(START));
  }

  private static void put(ImageLoad load, Key key, byte[] value) {
    load.image(
        key.upper(), key.middle(), key.lower(), MemorySegment.ofArray(value), 0, value.length);
  }

  /// A control file of a running server, with WAL segments of {@link CraftedLog#SEGMENT_SIZE}.
  public static ControlFile controlFile(PgVersion version) {
    byte[] file =
        CraftedRecord.bytes(
            ControlFile.BYTES,
            b -> {
              b.putInt(8, version.controlVersion());
              b.putInt(12, ControlVersions.catalogVersion(version));
              b.putInt(16, 6).putInt(204, 8).putDouble(208, 1234567.0);
              b.putInt(216, 8192).putInt(220, 131_072).putInt(224, 8192);
              b.putInt(228, CraftedLog.SEGMENT_SIZE);
            });
    int crcAt = version == PgVersion.V18 ? 292 : 288;
    var crc = new CRC32C();
    crc.update(file, 0, crcAt);
    ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putInt(crcAt, (int) crc.getValue());
    ControlFile control = ControlFile.parse(MemorySegment.ofArray(file));
    control.setParameters(new ServerParameters(100, 8, 10, 0, 64, 1, false, false));
    return control;
  }

  public PgVersion version() {
    return version;
  }

  public TestTimelines timelines() {
    return timelines;
  }

  public Timeline timeline() {
    return timeline;
  }

  public WalIngest ingest() {
    return ingest;
  }

  public CraftedLog log() {
    return log;
  }

  /// Adds a record to the log, and takes it in.
  ///
  /// @return its LSN
  public Lsn add(CraftedRecord record) {
    long lsn = log.add(record);
    feed();
    return new Lsn(lsn);
  }

  /// Takes in what was added to the log.
  public void feed() {
    long at = ingest.position().value();
    byte[] bytes = log.since(at);
    ingest.feed(at, MemorySegment.ofArray(bytes), 0, bytes.length);
  }

  /// The directory now.
  public DataDirectory now() {
    return DataDirectory.at(timeline, timeline.lastRecordLsn());
  }

  /// The mark of a page that {@link CraftedRecord#page} made; 0 on a page of zeroes.
  public int mark(DataDirectory view, RelationFork fork, int block) {
    MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
    view.page(fork, block, page);
    return page.get(PgLayout.INT, Page.SIZE - 4L);
  }

  /// Writes a page with that mark by an image.
  public Lsn write(RelationFork fork, int block, int mark) {
    return add(new CraftedRecord(0, 0xB0).image(0, fork, block, CraftedRecord.page(mark)));
  }

  public MemorySegment slruPage(DataDirectory view, Slru slru, int page) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[Page.SIZE]);
    view.slruPage(slru, page, bytes);
    return bytes;
  }

  /// Ends the writer and all timelines, and goes on with what is on disk.
  public void restart() throws IOException {
    ingest.close();
    timelines.restart();
    timeline = timelines.find("crafted");
    ingest = new WalIngest(timeline);
  }

  /// A new writer after the last one failed.
  public void reopen() {
    ingest.close();
    ingest = new WalIngest(timeline);
  }

  @Override
  public void close() throws IOException {
    ingest.close();
    timelines.close();
  }
}
