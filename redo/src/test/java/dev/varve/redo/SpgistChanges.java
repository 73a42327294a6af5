package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.PgVersion;
import dev.varve.postgres.page.Page;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;

/// SP-GiST changes written by hand, and the page that a test applies them to.
abstract class SpgistChanges {

  static final Key KEY = new Key(0, 1663, 5, 16384, 0, 7);
  static final byte NO = 0;
  static final byte YES = 1;
  static final int XID = 0x321;

  /// What a redirect, a dead tuple and a placeholder look like.
  static final String TO_9_4 = "41000000" + "0000" + "0000" + "0900" + "0400" + "21030000";

  static final String DEAD = "42000000" + "0000" + "ffff" + "ffff" + "0000" + "00000000";
  static final String PLACEHOLDER = "43" + DEAD.substring(2);

  final Redo redo = new Redo(PgVersion.V17);
  final MemorySegment page = MemorySegment.ofArray(new byte[Page.SIZE]);
  long lsn = 0x1000;

  void apply(Changes change) {
    redo.apply(KEY, lsn += 0x100, page, change.build());
  }

  static Changes spgist(int info) {
    return Changes.of(Change.SPGIST, info);
  }

  /// A live leaf tuple of 24 bytes.
  static byte[] leaf(int next, long value) {
    return Changes.bytes(24 << 2, (short) next, 0, (short) 1, 0, value);
  }

  /// A live inner tuple with an eight-byte prefix and nodes without labels, each of which points at
  /// block 0x20001, item 5.
  static byte[] inner(int nodes) {
    byte[] bytes = Changes.bytes(nodes << 3 | 8 << 16, (short) (16 + 8 * nodes), (short) 0, 1L);
    for (int i = 0; i < nodes; i++) {
      bytes = Changes.bytes(bytes, (short) 2, (short) 1, (short) 5, (short) 8);
    }
    return bytes;
  }

  static byte[] addLeaf(byte isNew, int number, int head, byte[] tuple) {
    return Changes.bytes(isNew, NO, (short) number, (short) head, (short) 1, (short) 1, tuple);
  }

  /// A leaf page, each tuple the head of its own chain.
  void leaves(byte[]... tuples) {
    apply(spgist(0x10).initializes().main(addLeaf(YES, 1, 0, tuples[0])));
    for (int i = 1; i < tuples.length; i++) {
      apply(spgist(0x10).main(addLeaf(NO, i + 1, 0, tuples[i])));
    }
  }

  /// A page with inner tuples: the second one of a tuple that was split, each.
  void inners(byte[]... tuples) {
    for (int i = 0; i < tuples.length; i++) {
      byte isNew = i == 0 ? YES : NO;
      Changes change = i == 0 ? spgist(0x40).initializes() : spgist(0x40);
      apply(change.id(1).main((short) 1, (short) (i + 1), isNew, NO, inner(1), tuples[i]));
    }
  }

  String item(int number) {
    int pointer = Page.pointer(page, number);
    return bytes(Page.offset(pointer), Page.length(pointer));
  }

  String bytes(long from, long length) {
    return HexFormat.of().formatHex(page.asSlice(from, length).toArray(PgLayout.BYTE));
  }

  static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  String special() {
    return bytes(8184, 8);
  }

  static Changes vacuumLeaf(int dead, int placeholders, int moves, int links, int... items) {
    Object[] parts = new Object[items.length];
    for (int i = 0; i < items.length; i++) {
      parts[i] = (short) items[i];
    }
    return spgist(0x60)
        .main(
            (short) dead,
            (short) placeholders,
            (short) moves,
            (short) links,
            XID,
            0,
            Changes.bytes(parts));
  }

  static Changes moveLeafs(byte isNew, byte replacesDead, byte build, Object... rest) {
    return spgist(0x20)
        .main(
            (short) 3,
            isNew,
            replacesDead,
            NO,
            NO,
            (short) 1,
            (short) 1,
            (short) 0,
            XID,
            build,
            NO,
            (short) 0,
            Changes.bytes(rest));
  }

  /// Items 5, 2 and 3 go, and come with a fourth as 1, 2, 3 and 4.
  static Changes moveLeafs(byte build) {
    return moveLeafs(
        YES,
        NO,
        build,
        (short) 5,
        (short) 2,
        (short) 3,
        (short) 1,
        (short) 2,
        (short) 3,
        (short) 4,
        leaf(0, 1),
        leaf(1, 2),
        leaf(2, 3),
        leaf(3, 4));
  }

  static Changes addNode(byte isNew, int parent, byte build) {
    return spgist(0x30)
        .main(
            (short) 2,
            (short) 4,
            isNew,
            (byte) parent,
            (short) 1,
            (short) 0,
            (short) 0,
            XID,
            build,
            NO,
            (short) 0,
            inner(3));
  }

  /// Items 2 and 1 go; two leaf tuples come to block 0 as `first` and `second`, one to block 1 as
  /// item 1; the inner one to block 2 as item 4.
  static Changes pickSplit(byte initSource, byte sameParent, byte build, int first, int second) {
    return spgist(0x50)
        .main(
            Changes.bytes(NO, NO, (short) 2, (short) 3, initSource, YES, (short) 4, NO, NO),
            Changes.bytes(sameParent, NO, (short) 1, (short) 0, (short) 0, XID, build, NO),
            Changes.bytes((short) 0, (short) 2, (short) 1),
            Changes.bytes((short) first, (short) second, (short) 1, NO, NO, YES),
            Changes.bytes(inner(2), leaf(0, 7), leaf(0, 8), leaf(0, 9)));
  }

  void redirectAndPlaceholders() {
    leaves(leaf(0, 1), leaf(0, 2), leaf(0, 3), leaf(0, 4), leaf(0, 5));
    apply(moveLeafs(NO).other(1, 0, 9));
    apply(vacuumLeaf(0, 1, 0, 0, 4));
  }
}
