package dev.varve.redo;

import dev.varve.model.Key;
import dev.varve.postgres.PgLayout;
import dev.varve.postgres.page.Page;
import dev.varve.postgres.wal.FullPageImage;
import dev.varve.postgres.wal.WalException;
import java.lang.foreign.MemorySegment;

/// Restores a full-page image, of a record of any resource manager. The layout is {@link Change}'s.
///
/// The page gets the record's LSN unless it is new: a page of zeroes stays one.
final class ImageRedo {

  private ImageRedo() {}

  static void apply(Key key, long lsn, MemorySegment page, MemorySegment change) {
    long size = change.byteSize();
    if (size < Change.IMAGE_HEADER_BYTES || size > Change.IMAGE_HEADER_BYTES + 2L * Page.SIZE) {
      throw Redo.damaged(key, lsn, "a page image of " + size + " bytes");
    }
    try {
      FullPageImage.restore(
          change,
          Change.IMAGE_HEADER_BYTES,
          (int) size - Change.IMAGE_HEADER_BYTES,
          Short.toUnsignedInt(change.get(PgLayout.SHORT, 4)),
          Short.toUnsignedInt(change.get(PgLayout.SHORT, 6)),
          change.get(PgLayout.BYTE, 3),
          page);
    } catch (WalException e) {
      throw Redo.damaged(key, lsn, "its page image can't be restored", e);
    }
    if (!Page.isNew(page)) {
      Page.setLsn(page, lsn);
    }
  }
}
