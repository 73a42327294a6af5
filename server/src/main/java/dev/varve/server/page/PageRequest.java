package dev.varve.server.page;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// One request of a page stream. All integers are big-endian.
///
/// | version | header                                                                    |
/// |---------|---------------------------------------------------------------------------|
/// | 2       | tag u8, request LSN u64, not-modified-since LSN u64                       |
/// | 3       | tag u8, request id u64, request LSN u64, not-modified-since LSN u64       |
///
/// | tag | request        | body                                                        |
/// |-----|----------------|-------------------------------------------------------------|
/// | 0   | Exists         | relation: tablespace u32, database u32, relation u32, fork u8 |
/// | 1   | Nblocks        | relation                                                    |
/// | 2   | GetPage        | relation, block u32                                         |
/// | 3   | DbSize         | database u32                                                |
/// | 4   | GetSlruSegment | kind u8, segment u32                                        |
///
/// Source: Neon's `libs/pageserver_api/src/pagestream_api.rs`; bytes after the body are ignored, as
/// there.
sealed interface PageRequest {

  Header header();

  /// What all requests have; an answer of version 3 repeats it.
  record Header(long id, long lsn, long notModifiedSince) {}

  /// A fork of a relation.
  record Relation(int tablespace, int database, int relation, int fork) {}

  record Exists(Header header, Relation relation) implements PageRequest {}

  record Nblocks(Header header, Relation relation) implements PageRequest {}

  record GetPage(Header header, Relation relation, int block) implements PageRequest {}

  record DbSize(Header header, int database) implements PageRequest {}

  record GetSlruSegment(Header header, int kind, int segment) implements PageRequest {}

  /// @throws ProtocolException for an unknown tag or a body that is too short
  static PageRequest read(ByteBuffer bytes, int version) throws ProtocolException {
    try {
      int tag = bytes.get();
      long id = version >= 3 ? bytes.getLong() : 0;
      var header = new Header(id, bytes.getLong(), bytes.getLong());
      PageRequest request = readBody(tag, header, bytes);
      if (request == null) {
        throw new ProtocolException("unknown page stream request " + tag);
      }
      return request;
    } catch (BufferUnderflowException _) {
      throw new ProtocolException("a page stream request that is too short");
    }
  }

  private static @Nullable PageRequest readBody(int tag, Header header, ByteBuffer bytes) {
    return switch (tag) {
      case 0 -> new Exists(header, relation(bytes));
      case 1 -> new Nblocks(header, relation(bytes));
      case 2 -> new GetPage(header, relation(bytes), bytes.getInt());
      case 3 -> new DbSize(header, bytes.getInt());
      case 4 -> new GetSlruSegment(header, bytes.get() & 0xFF, bytes.getInt());
      default -> null;
    };
  }

  private static Relation relation(ByteBuffer bytes) {
    return new Relation(bytes.getInt(), bytes.getInt(), bytes.getInt(), bytes.get() & 0xFF);
  }
}
