package dev.varve.layer;

import java.io.IOException;

/// A layer whose file is not here can't be read from object storage: says which object, and why. It
/// says nothing about the layer: the same read may work later.
public final class UnreachableLayerException extends IOException {

  private static final long serialVersionUID = 1L;

  private final transient RemoteLayer layer;
  private final String object;

  public UnreachableLayerException(RemoteLayer layer, String object, IOException cause) {
    super("object " + object + " can't be read: " + cause.getMessage(), cause);
    this.layer = layer;
    this.object = object;
  }

  /// The layer that is in it.
  public RemoteLayer layer() {
    return layer;
  }

  /// The object's name.
  public String object() {
    return object;
  }
}
