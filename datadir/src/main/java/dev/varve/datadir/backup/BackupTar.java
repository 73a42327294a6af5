package dev.varve.datadir.backup;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/// A tar of a backup, read as it comes; knows whether it ended as a tar ends: with a block of
/// zeroes.
final class BackupTar extends TarArchiveInputStream {

  private static final int BUFFER = 1 << 18;

  private boolean ended;

  BackupTar(InputStream tar) {
    super(tar);
  }

  /// Opens a tar file; one that is compressed by gzip by its first bytes.
  static BackupTar open(Path file) throws IOException {
    var buffered = new BufferedInputStream(Files.newInputStream(file), BUFFER);
    try {
      buffered.mark(2);
      boolean gzip = buffered.read() == 0x1F && buffered.read() == 0x8B;
      buffered.reset();
      return new BackupTar(gzip ? new GZIPInputStream(buffered, BUFFER) : buffered);
    } catch (IOException e) {
      buffered.close();
      throw e;
    }
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
