package dev.varve.redo;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// What an oracle run found.
final class OracleReport {

  private static final int LISTED = 40;

  /// Redone pages that were compared with an oracle image, by record type.
  final Map<String, Integer> compared = new TreeMap<>();

  /// Changes redone without an image to compare with, by record type.
  final Map<String, Integer> unchecked = new TreeMap<>();

  /// Changes that redo does not know, by record type.
  final Map<String, Integer> unknown = new TreeMap<>();

  /// Pages that differed, by record type; or `file` for the comparison at the end.
  final Map<String, Integer> different = new TreeMap<>();

  private final List<String> findings = new ArrayList<>();
  Collection<ChangeSample> samples = List.of();
  int records;
  int pagesInFiles;

  void count(Map<String, Integer> counts, String type) {
    counts.merge(type, 1, Integer::sum);
  }

  void difference(String type, String finding) {
    count(different, type);
    if (findings.size() < LISTED) {
      findings.add(finding);
    }
  }

  @Override
  public String toString() {
    return records
        + " records\ncompared "
        + compared
        + "\nnot compared "
        + unchecked
        + "\nunknown "
        + unknown
        + "\npages in files "
        + pagesInFiles
        + "\ndifferent "
        + different
        + "\n"
        + String.join("\n", findings);
  }
}
