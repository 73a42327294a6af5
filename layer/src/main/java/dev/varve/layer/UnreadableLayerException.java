package dev.varve.layer;

import java.io.IOException;
import java.nio.file.Path;

/// The disk refuses to read a layer file: says which file. What is in it may be whole; the same
/// read may work later.
public final class UnreadableLayerException extends IOException {

  private static final long serialVersionUID = 1L;

  private final transient Path file;

  public UnreadableLayerException(Path file, IOException cause) {
    super("layer file " + file + " can't be read: " + cause.getMessage(), cause);
    this.file = file;
  }

  public Path file() {
    return file;
  }
}
