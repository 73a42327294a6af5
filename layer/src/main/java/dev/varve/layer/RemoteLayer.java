package dev.varve.layer;

/// A layer as it is in object storage: what its object is named by, and how long it is.
///
/// @param generation the one that wrote the object, an unsigned number; part of the object's name
/// @param bytes the size of the object, which is that of the layer file
public record RemoteLayer(LayerOwner owner, LayerName name, int generation, long bytes) {

  public RemoteLayer {
    if (bytes < LayerHeader.BYTES + LayerFooter.BYTES) {
      throw new IllegalArgumentException(name + " has no " + bytes + " bytes");
    }
  }
}
