package dev.varve.verify;

import dev.varve.model.Lsn;
import java.util.List;
import java.util.Optional;

/// What a verification came to.
///
/// @param version of PostgreSQL, such as 17
/// @param start where the base begins
/// @param consistent from where on every page is what the log says; empty when the log ended before
///   the backup did
/// @param end of the last record that was replayed
/// @param reason why there was no more of the log, when there should have been
/// @param counts by record type
/// @param mismatches the first of them
/// @param brokenPages how many pages can't be read as of the end
/// @param leftOut sentences on WAL that is there and was not replayed
public record Verdict(
    int version,
    Lsn start,
    Optional<Lsn> consistent,
    Lsn end,
    Optional<String> reason,
    List<TypeCount> counts,
    List<Mismatch> mismatches,
    long brokenPages,
    List<String> leftOut) {

  public Verdict {
    counts = List.copyOf(counts);
    mismatches = List.copyOf(mismatches);
    leftOut = List.copyOf(leftOut);
  }

  /// The sums of the counts.
  public TypeCount total() {
    TypeCount total = new TypeCount("total", 0, 0, 0, 0, 0, 0);
    for (TypeCount count : counts) {
      total = total.plus(count);
    }
    return total;
  }

  /// Whether every record could be replayed, came to what the log says, and the log is whole.
  public boolean isGood() {
    TypeCount total = total();
    return total.mismatched() == 0
        && total.unknown() == 0
        && brokenPages == 0
        && consistent.isPresent()
        && reason.isEmpty();
  }
}
