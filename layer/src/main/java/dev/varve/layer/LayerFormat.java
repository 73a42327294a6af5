package dev.varve.layer;

/// A layer file, version 1. It is written front to back, by {@link LayerFileWriter}, and never
/// changed; all numbers are little-endian unless said otherwise.
///
/// | part           | what it is                                                              |
/// |----------------|-------------------------------------------------------------------------|
/// | header         | 64 bytes: whose file and which kind ({@link LayerHeader})               |
/// | parts          | any number; in each, data blocks, then their filter, then their leaf    |
/// | root           | one index block over all parts                                          |
/// | footer         | 128 bytes: what the file holds, where the root is ({@link LayerFooter}) |
///
/// A part has up to 64 data blocks ({@link DataBlock}), 256 in an image file, fewer if they have
/// very many keys; then one {@link KeyFilter} over the keys in them and one {@link IndexBlock} that
/// says where they are. So neither writing nor reading needs memory in proportion to the file, but
/// for the root's 56 bytes a part. All blocks stand in frames ({@link BlockFrame}) with checksums.
///
/// A key that has very many versions goes on over several blocks, and over several parts. A large
/// version has a block of its own. Opening takes the header and the footer; finding a version takes
/// root, filter, leaf and a data block, and the first three are mostly in the {@link BlockCache}.
///
/// Delta and image files differ in the kind in the header alone: in an image file each key has one
/// version, an image, and all have the same LSN.
final class LayerFormat {

  static final int VERSION = 1;

  /// The most bytes that one version may have.
  static final int MOST_BYTES = 1 << 28;

  /// The most bytes of a block, packed or not.
  static final int MOST_BLOCK = MOST_BYTES + (1 << 24);

  /// How a file is divided; readers do not need to know.
  ///
  /// @param block bytes of versions in a data block, unless there is only one version
  /// @param blocksInPart a part ends with this many data blocks,
  /// @param keysInPart or with this many keys
  record Geometry(int block, int blocksInPart, int keysInPart) {

    /// A read of a key that is in the cache of no block takes a filter and a leaf of up to 12 KiB
    /// and 3 KiB, and a data block.
    private static final Geometry DELTA = new Geometry(1 << 14, 64, 1 << 13);

    /// Two pages a block.
    private static final Geometry IMAGE = new Geometry(1 << 14, 256, 1 << 13);

    static Geometry of(LayerKind kind) {
      return switch (kind) {
        case DELTA -> DELTA;
        case IMAGE -> IMAGE;
      };
    }
  }

  private LayerFormat() {}
}
