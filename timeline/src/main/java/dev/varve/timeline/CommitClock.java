package dev.varve.timeline;

import dev.varve.model.Lsn;
import java.time.Instant;
import java.util.Optional;

/// Knows what was committed when; handed in, since this module does not know what a commit is.
@FunctionalInterface
public interface CommitClock {

  /// Knows of no commit: with it, time keeps everything.
  CommitClock NONE = (_, _) -> Optional.empty();

  /// The LSN at which the timeline was as of a moment.
  ///
  /// @return empty when the moment is before the history that there is, or nothing is known of it
  Optional<Lsn> lsnAt(Timeline timeline, Instant moment);
}
