package dev.varve.datadir.backup;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/// A tar of a backup, read as it comes; knows whether it ended as a tar ends: with a block of
/// zeroes.
final class BackupTar extends TarArchiveInputStream {

  private boolean ended;

  BackupTar(InputStream tar) {
    super(tar);
  }

  /// Opens a tar file, which may be compressed.
  static BackupTar open(Path file) throws IOException {
    return new BackupTar(Unpacked.open(file));
  }

  /// Whether the block was met that ends a tar.
  boolean ended() {
    return ended;
  }

  @Override
  protected boolean isEOFRecord(byte[] block) {
    boolean end = super.isEOFRecord(block);
    ended |= end && block != null;
    return end;
  }
}
