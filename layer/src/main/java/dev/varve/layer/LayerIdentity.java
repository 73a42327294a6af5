package dev.varve.layer;

/// What a layer must be, by its name and its owner; header and footer are checked against it.
record LayerIdentity(LayerName name, LayerOwner owner) {

  /// @return the header's checksum, which the footer repeats
  int checkHeader(byte[] bytes) throws MalformedBlockException {
    LayerHeader header = LayerHeader.read(bytes);
    if (header.kind() != name.kind() || !header.owner().equals(owner)) {
      throw new MalformedBlockException(
          "it is a " + header.kind() + " layer of " + header.owner() + ", not of " + owner);
    }
    return LayerHeader.crc(bytes);
  }

  /// The checksum that the header has if it is the right one, for who does not read it.
  int headerCrc() {
    return LayerHeader.crc(new LayerHeader(name.kind(), owner).write());
  }

  /// @param size of the file or object
  LayerFooter footer(byte[] bytes, long size, int headerCrc) throws MalformedBlockException {
    LayerFooter found = LayerFooter.read(bytes, size);
    if (!found.keys().equals(name.keys()) || !found.lsns().equals(name.lsns())) {
      throw new MalformedBlockException(
          "it holds " + found.keys() + ", " + found.lsns() + ", its name says otherwise");
    }
    if (found.header() != headerCrc) {
      throw new MalformedBlockException("header and footer are of different files");
    }
    return found;
  }
}
