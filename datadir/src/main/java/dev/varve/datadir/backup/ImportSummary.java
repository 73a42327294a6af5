package dev.varve.datadir.backup;

import java.util.List;

/// What an import of files found.
///
/// @param bytes of files
/// @param files how many
/// @param pages pages of relations among them
/// @param warnings one sentence each, for people: what was left out, what looks wrong
public record ImportSummary(long bytes, long files, long pages, List<String> warnings) {

  public ImportSummary {
    warnings = List.copyOf(warnings);
  }
}
