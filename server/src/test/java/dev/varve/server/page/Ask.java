package dev.varve.server.page;

import java.nio.ByteBuffer;
import java.util.Arrays;

/// Builds requests of a page stream, of version 2 or 3.
///
/// @param id what version 3 has and version 2 lacks
record Ask(int version, long id, long lsn, long since) {

  static final long NEWEST = -1L;

  Ask at(long newLsn, long newSince) {
    return new Ask(version, id, newLsn, newSince);
  }

  Ask withId(long other) {
    return new Ask(version, other, lsn, since);
  }

  byte[] exists(int tablespace, int database, int relation, int fork) {
    return relation(0, tablespace, database, relation, fork, 0).array();
  }

  byte[] blocks(int tablespace, int database, int relation, int fork) {
    return relation(1, tablespace, database, relation, fork, 0).array();
  }

  byte[] page(int tablespace, int database, int relation, int fork, int block) {
    return relation(2, tablespace, database, relation, fork, 4).putInt(block).array();
  }

  byte[] databaseSize(int database) {
    return header(3, 4).putInt(database).array();
  }

  byte[] slruSegment(int kind, int segment) {
    return header(4, 5).put((byte) kind).putInt(segment).array();
  }

  private ByteBuffer relation(
      int tag, int tablespace, int database, int relation, int fork, int more) {
    return header(tag, 13 + more)
        .putInt(tablespace)
        .putInt(database)
        .putInt(relation)
        .put((byte) fork);
  }

  private ByteBuffer header(int tag, int body) {
    ByteBuffer bytes = ByteBuffer.allocate((version >= 3 ? 25 : 17) + body).put((byte) tag);
    if (version >= 3) {
      bytes.putLong(id);
    }
    return bytes.putLong(lsn).putLong(since);
  }

  /// What an answer begins with: its tag, and in version 3 the request's header and body again.
  byte[] echo(int tag, byte[] request) {
    byte[] echo = version >= 3 ? request.clone() : new byte[1];
    echo[0] = (byte) tag;
    return echo;
  }

  /// What an error begins with: no body is repeated.
  byte[] errorEcho(byte[] request) {
    return Arrays.copyOf(echo(103, request), version >= 3 ? 25 : 1);
  }
}
