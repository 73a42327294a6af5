package dev.varve.walreceiver;

import dev.varve.walreceiver.replication.SystemIdentity;

/// What a source is, as far as an import has to know.
///
/// @param version as a number: 170011 is 17.11
/// @param walSegmentSize in bytes
/// @param checksums whether its pages have checksums
public record SourceFacts(
    int version, SystemIdentity identity, int walSegmentSize, boolean checksums) {

  public int major() {
    return version / 10_000;
  }
}
