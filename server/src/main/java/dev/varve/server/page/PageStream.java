package dev.varve.server.page;

import dev.varve.datadir.DataDirectory;
import dev.varve.datadir.RelationFork;
import dev.varve.model.Lsn;
import dev.varve.model.PageserverException;
import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.model.PageserverException.NotFound;
import dev.varve.postgres.slru.Slru;
import dev.varve.timeline.Timeline;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/// Answers the requests of one page stream, each in its turn. One thread uses it.
///
/// | version | header of an answer                                                        |
/// |---------|----------------------------------------------------------------------------|
/// | 2       | tag u8                                                                     |
/// | 3       | tag u8, then the request's id, LSN, not-modified-since and body repeated   |
///
/// | tag | answer         | result                                             |
/// |-----|----------------|----------------------------------------------------|
/// | 100 | Exists         | u8, 0 or 1                                         |
/// | 101 | Nblocks        | blocks u32                                         |
/// | 102 | GetPage        | 8192 bytes                                         |
/// | 103 | Error          | a zero-terminated sentence; no body is repeated    |
/// | 104 | DbSize         | bytes i64                                          |
/// | 105 | GetSlruSegment | pages u32, then as many times 8192 bytes           |
///
/// Source: Neon's `libs/pageserver_api/src/pagestream_api.rs`.
final class PageStream {

  private static final int PAGE_SIZE = 8192;
  private static final int EXISTS = 100;
  private static final int NBLOCKS = 101;
  private static final int PAGE = 102;
  private static final int ERROR = 103;
  private static final int DB_SIZE = 104;
  private static final int SLRU_SEGMENT = 105;

  /// How long a read waits for WAL that the client has seen and we have not.
  private static final Duration LSN_WAIT = Duration.ofMinutes(5);

  private final Timeline timeline;
  private final int version;
  private final BackendWriter out;
  private @Nullable DataDirectory view;

  PageStream(Timeline timeline, int version, BackendWriter out) {
    this.timeline = timeline;
    this.version = version;
    this.out = out;
  }

  /// Answers one request. What can't be read is an Error answer, and the stream goes on.
  ///
  /// @throws ProtocolException when the request makes no sense; the stream has ended then
  void answer(ByteBuffer bytes) throws IOException {
    PageRequest request = PageRequest.read(bytes, version);
    try {
      answer(request);
    } catch (PageserverException e) {
      error(request.header(), e.getMessage());
    }
  }

  /// A view remembers the sizes of relations: it is kept as long as requests are for its LSN.
  private DataDirectory at(Lsn lsn) {
    DataDirectory present = view;
    if (present == null || !present.lsn().equals(lsn)) {
      present = DataDirectory.at(timeline, lsn);
      view = present;
    }
    return present;
  }

  private void answer(PageRequest request) throws IOException {
    DataDirectory directory = at(effectiveLsn(request.header()));
    switch (request) {
      case PageRequest.Exists(var header, var relation) -> {
        boolean exists = directory.exists(fork(relation));
        relation(begin(EXISTS, header, RELATION, 1), relation).put((byte) (exists ? 1 : 0));
      }
      case PageRequest.Nblocks(var header, var relation) -> {
        int blocks = directory.blocks(fork(relation));
        relation(begin(NBLOCKS, header, RELATION, 4), relation).putInt(blocks);
      }
      case PageRequest.GetPage(var header, var relation, int block) -> {
        // The page is made where it will be sent from; when that fails, nothing has been begun.
        int before = 1 + (version >= 3 ? 24 + RELATION + 4 : 0);
        directory.page(fork(relation), block, out.roomInCopyData(before, PAGE_SIZE));
        ByteBuffer answer = begin(PAGE, header, RELATION + 4, PAGE_SIZE);
        relation(answer, relation);
        if (version >= 3) {
          answer.putInt(block);
        }
        answer.position(answer.position() + PAGE_SIZE);
      }
      case PageRequest.DbSize(var header, int database) -> {
        long size = directory.databaseBytes(database);
        ByteBuffer answer = begin(DB_SIZE, header, 4, 8);
        if (version >= 3) {
          answer.putInt(database);
        }
        answer.putLong(size);
      }
      case PageRequest.GetSlruSegment slru -> slruSegment(directory, slru);
    }
  }

  /// Bytes of a relation in an answer of version 3.
  private static final int RELATION = 13;

  private ByteBuffer begin(int tag, PageRequest.Header header, int body, int result)
      throws IOException {
    boolean echo = version >= 3;
    ByteBuffer answer = out.copyData(1 + (echo ? 24 + body : 0) + result).put((byte) tag);
    if (echo) {
      answer.putLong(header.id()).putLong(header.lsn()).putLong(header.notModifiedSince());
    }
    return answer;
  }

  private ByteBuffer relation(ByteBuffer answer, PageRequest.Relation relation) {
    if (version >= 3) {
      answer.putInt(relation.tablespace()).putInt(relation.database()).putInt(relation.relation());
      answer.put((byte) relation.fork());
    }
    return answer;
  }

  private void error(PageRequest.Header header, String message) throws IOException {
    byte[] text = BackendWriter.cString(message);
    begin(ERROR, header, 0, text.length).put(text);
  }

  private void slruSegment(DataDirectory directory, PageRequest.GetSlruSegment request)
      throws IOException {
    Slru slru =
        switch (request.kind()) {
          case 0 -> Slru.CLOG;
          case 1 -> Slru.MULTIXACT_MEMBERS;
          case 2 -> Slru.MULTIXACT_OFFSETS;
          default ->
              throw new InvalidRequest(
                  "there is no SLRU of kind " + request.kind() + "; kinds are 0, 1 and 2");
        };
    int pages = pages(directory, slru, request.segment());
    byte[] answer = new byte[1 + (version >= 3 ? 24 + 5 : 0) + 4 + pages * PAGE_SIZE];
    ByteBuffer target = ByteBuffer.wrap(answer).put((byte) SLRU_SEGMENT);
    if (version >= 3) {
      var header = request.header();
      target.putLong(header.id()).putLong(header.lsn()).putLong(header.notModifiedSince());
      target.put((byte) request.kind()).putInt(request.segment());
    }
    target.putInt(pages);
    var bytes = MemorySegment.ofArray(answer);
    for (int i = 0; i < pages; i++) {
      int page = request.segment() * Slru.PAGES_PER_SEGMENT + i;
      directory.slruPage(
          slru, page, bytes.asSlice(target.position() + (long) i * PAGE_SIZE, PAGE_SIZE));
    }
    out.copyData(answer, 0, answer.length);
  }

  private static int pages(DataDirectory directory, Slru slru, int segment) {
    return directory.slruSegments(slru).stream()
        .filter(candidate -> candidate.segment() == segment)
        .findFirst()
        .orElseThrow(() ->
            new NotFound(
                "there is no segment %s of %s at %s"
                    .formatted(Slru.fileName(segment), slru.directory(), directory.lsn())))
        .pages();
  }

  private static RelationFork fork(PageRequest.Relation relation) {
    if (relation.relation() == 0) {
      throw new InvalidRequest("relation 0 does not exist; a relation file number is at least 1");
    }
    if (relation.fork() >= RelationFork.FORKS) {
      throw new InvalidRequest(
          "a relation has no fork " + relation.fork() + "; forks are 0 to 3: main, fsm, vm, init");
    }
    return new RelationFork(
        relation.tablespace(), relation.database(), relation.relation(), relation.fork());
  }

  /// The LSN to read at. The client promises that the page did not change after not-modified-since
  /// up to the request's LSN, so any moment between the two will do; MAX asks for the newest.
  private Lsn effectiveLsn(PageRequest.Header header) {
    Lsn requested = new Lsn(header.lsn());
    Lsn since = new Lsn(header.notModifiedSince());
    if (requested.isBefore(since)) {
      throw new InvalidRequest(
          "the request's LSN " + requested + " is before its not-modified-since LSN " + since);
    }
    if (header.lsn() == 0) {
      throw new InvalidRequest("invalid LSN(0) in request");
    }
    if (since.isAfter(timeline.lastRecordLsn())) {
      timeline.awaitLsn(since, LSN_WAIT);
      return since;
    }
    return Lsn.min(timeline.lastRecordLsn(), requested);
  }

  /// For the log: what this stream serves.
  @Override
  public String toString() {
    return "page stream v" + version + " of " + timeline.name();
  }
}
