package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.nio.file.Path;

/// A image layer file.
@SuppressWarnings("DoNotCallSuggester")
public final class ImageLayer implements Layer {
  private final LayerName name;

  /// Names the file without touching it: it is opened, and checked, when it is first read.
  public ImageLayer(LayerFiles files, Path file, LayerName name, LayerOwner owner) {
    this.name = name;
  }

  @Override
  public KeyRange keys() {
    return name.keys();
  }

  @Override
  public LsnRange lsns() {
    return name.lsns();
  }

  @Override
  public boolean find(
      long upper, long middle, long lower, long floor, long end, VersionSink sink)
      throws IOException {
    throw new UnsupportedOperationException();
  }

  @Override
  public LayerCursor cursor(KeyRange keys) throws IOException {
    throw new UnsupportedOperationException();
  }

  /// Reads and checks the whole file.
  public void verify() throws IOException {
    throw new UnsupportedOperationException();
  }

  /// The file is to be deleted when the last reference is given back.
  public void deleteWhenReleased() {
    throw new UnsupportedOperationException();
  }

  @Override
  public boolean acquire() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void release() {}

  @Override
  public void close() {}
}
