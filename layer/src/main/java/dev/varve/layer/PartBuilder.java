package dev.varve.layer;

import java.util.Arrays;

/// The leaf and the filter of the part of a file that is being written. One object serves any
/// number of parts.
final class PartBuilder {

  private final IndexBuilder leaf = new IndexBuilder(IndexBlock.LEAF_ENTRY);
  private long[] hashes = new long[1024];
  private int keys;

  /// Notes a data block that was written.
  ///
  /// @param at where its frame begins
  /// @param framed length of frame and packed bytes
  void add(DataBlockBuilder block, long at, int framed, int unpacked) {
    for (int key = 0; key < block.keys(); key++) {
      if (keys == hashes.length) {
        hashes = Arrays.copyOf(hashes, 2 * keys);
      }
      hashes[keys++] = KeyHash.of(block.upper(key), block.middle(key), block.lower(key));
    }
    leaf.add(
        block.upper(0), block.middle(0), block.lower(0), block.firstLsn(), at, framed, unpacked);
  }

  boolean isEmpty() {
    return leaf.count() == 0;
  }

  boolean isFull(LayerFormat.Geometry geometry) {
    return leaf.count() == geometry.blocksInPart() || keys >= geometry.keysInPart();
  }

  IndexBuilder leaf() {
    return leaf;
  }

  /// The bytes of a filter over the keys of all blocks.
  byte[] filter() {
    byte[] bytes = new byte[KeyFilter.lengthFor(keys)];
    var filter = new KeyFilter(bytes, bytes.length / KeyFilter.BUCKET);
    for (int i = 0; i < keys; i++) {
      filter.add(hashes[i]);
    }
    return bytes;
  }

  void clear() {
    leaf.clear();
    keys = 0;
  }
}
