package dev.varve.layer;

import dev.varve.model.KeyRange;
import dev.varve.model.LsnRange;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// An image layer file: whole values of keys at one LSN. A key in its range may be missing, which
/// says nothing about the key. {@link LayerFormat} has the bytes. Safe from any thread.
///
/// Making one does not touch the file: it is opened, and header and footer checked, when it is
/// first read. After that a read costs a few look-ups in the {@link BlockCache}.
public final class ImageLayer implements FileLayer {

  private final LayerFile file;

  /// @param path of the file
  /// @param name what the file must hold; the path need not end with it
  /// @param owner whose the file must be
  /// @throws IllegalArgumentException when the name is not of this kind
  public ImageLayer(LayerFiles files, Path path, LayerName name, LayerOwner owner) {
    if (name.kind() != LayerKind.IMAGE) {
      throw new IllegalArgumentException("not the name of this kind of layer: " + name);
    }
    this.file = new LayerFile(files, path, name, owner, null);
  }

  /// A layer whose file is not here.
  ///
  /// @param path where the file will be when it comes
  /// @throws IllegalArgumentException when the name is not of this kind
  public ImageLayer(LayerFiles files, Path path, RemoteLayer object) {
    if (object.name().kind() != LayerKind.IMAGE) {
      throw new IllegalArgumentException("not the name of this kind of layer: " + object.name());
    }
    this.file = new LayerFile(files, path, object.name(), object.owner(), object);
  }

  @Override
  public LayerName name() {
    return file.name();
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public Residency residency() {
    return file.residency();
  }

  @Override
  public boolean isFetchNeeded(long upper, long middle, long lower, long floor, long end) {
    return file.isFetchNeeded(upper, middle, lower, floor, end);
  }

  @Override
  public void prefetch(
      long upper, long middle, long lower, long floor, long end, @Nullable ReadAhead ahead)
      throws IOException {
    file.prefetch(upper, middle, lower, floor, end, ahead);
  }

  @Override
  public KeyRange keys() {
    return file.name().keys();
  }

  @Override
  public LsnRange lsns() {
    return file.name().lsns();
  }

  @Override
  public boolean find(long upper, long middle, long lower, long floor, long end, VersionSink sink)
      throws IOException {
    return file.find(upper, middle, lower, floor, end, sink);
  }

  @Override
  public LayerCursor cursor(KeyRange keys) throws IOException {
    return file.cursor(keys);
  }

  @Override
  public void verify() throws IOException {
    file.verify();
  }

  @Override
  public void reopen() throws IOException {
    file.reopen();
  }

  /// The file is to be deleted when the last reference is given back. A failure to delete it is
  /// logged, and leaves it to the next start, which deletes files that are not listed.
  public void deleteWhenReleased() {
    file.deleteWhenReleased();
  }

  @Override
  public boolean acquire() {
    return file.references().acquire();
  }

  @Override
  public void release() {
    file.references().release();
  }

  @Override
  public void close() {
    file.references().close();
  }

  @Override
  public String toString() {
    return file.path().toString();
  }
}
