package dev.varve.redo;

import dev.varve.postgres.PgLayout;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// Writes a change by hand, for tests: the layout of {@link Change}, said a second time.
final class Changes {

  private final int rmgr;
  private final int info;
  private int id;
  private int flags;
  private int xid = 700;
  private final List<byte[]> others = new ArrayList<>();
  private byte[] main = {};
  private byte[] data = {};

  private Changes(int rmgr, int info) {
    this.rmgr = rmgr;
    this.info = info;
  }

  static Changes of(int rmgr, int info) {
    return new Changes(rmgr, info);
  }

  Changes id(int id) {
    this.id = id;
    return this;
  }

  Changes xid(int xid) {
    this.xid = xid;
    return this;
  }

  Changes initializes() {
    flags |= 1;
    return this;
  }

  Changes other(int id, int fork, int block) {
    byte[] other = new byte[6];
    other[0] = (byte) id;
    other[1] = (byte) (0x80 | fork);
    MemorySegment.ofArray(other).set(PgLayout.INT, 2, block);
    others.add(other);
    return this;
  }

  Changes main(Object... parts) {
    main = bytes(parts);
    return this;
  }

  Changes data(Object... parts) {
    data = bytes(parts);
    return this;
  }

  MemorySegment build() {
    var out = new ByteArrayOutputStream();
    out.writeBytes(
        bytes((byte) 1, (byte) rmgr, (byte) info, (byte) id, (byte) flags, (byte) others.size()));
    out.writeBytes(bytes(xid, (short) main.length));
    others.forEach(out::writeBytes);
    out.writeBytes(main);
    out.writeBytes(data);
    return MemorySegment.ofArray(out.toByteArray());
  }

  /// Little-endian bytes of numbers by their type, of byte arrays and of hex strings.
  static byte[] bytes(Object... parts) {
    var out = new ByteArrayOutputStream();
    for (Object part : parts) {
      byte[] bytes = new byte[8];
      MemorySegment segment = MemorySegment.ofArray(bytes);
      switch (part) {
        case Byte value -> out.write(value);
        case Short value -> {
          segment.set(PgLayout.SHORT, 0, value);
          out.write(bytes, 0, 2);
        }
        case Integer value -> {
          segment.set(PgLayout.INT, 0, value);
          out.write(bytes, 0, 4);
        }
        case Long value -> {
          segment.set(PgLayout.LONG, 0, value);
          out.write(bytes, 0, 8);
        }
        case byte[] value -> out.writeBytes(value);
        default -> throw new IllegalArgumentException("neither number nor bytes: " + part);
      }
    }
    return out.toByteArray();
  }
}
