package dev.varve.verify;

import dev.varve.datadir.DirectoryKeys;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import java.util.List;

/// A page that is not as the log, or a file, says.
///
/// @param type of the record
/// @param start of the record
/// @param end of the record; that of the log in a comparison of files
/// @param difference sentences and lines for people
/// @param key which page
/// @param history the last records that changed the page, oldest first, a line each
public record Mismatch(
    String type, Lsn start, Lsn end, Key key, List<String> difference, List<String> history) {

  public Mismatch {
    difference = List.copyOf(difference);
    history = List.copyOf(history);
  }

  /// The page as people name it, such as `block 7 of 1663/5/16384_vm`.
  public String page() {
    return key.kind() == DirectoryKeys.PAGE
        ? "block " + Integer.toUnsignedString(key.block()) + " of " + DirectoryKeys.relationOf(key)
        : "SLRU page " + key;
  }
}
