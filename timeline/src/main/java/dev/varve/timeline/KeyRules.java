package dev.varve.timeline;

import dev.varve.model.Key;
import dev.varve.model.Lsn;

/// What storage has to know of the meaning of keys; handed in, since this module does not know it.
public interface KeyRules {

  /// All keys are of pages, and nothing is ever dropped.
  KeyRules PAGES =
      new KeyRules() {
        @Override
        public boolean isPage(Key key) {
          return true;
        }

        @Override
        public Verdict verdict(Timeline timeline, Key key, Lsn lsn) {
          return new Verdict(false, Key.MAX);
        }
      };

  /// Whether the changes of the key are changes of a page, so that an image can take their place.
  boolean isPage(Key key);

  /// Whether nobody asks for a key as of an LSN any more, though it has versions: such as the pages
  /// of a table that was dropped.
  ///
  /// @param timeline as of `lsn` it can be read, whatever its cutoff is
  Verdict verdict(Timeline timeline, Key key, Lsn lsn);

  /// @param dropped what holds of all keys before `end`, from the one on that was asked for
  record Verdict(boolean dropped, Key end) {}
}
