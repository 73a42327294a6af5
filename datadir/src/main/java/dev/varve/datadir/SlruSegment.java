package dev.varve.datadir;

import dev.varve.postgres.slru.Slru;

/// One segment file of an SLRU.
///
/// @param pages how many it has, at most 32
public record SlruSegment(Slru slru, int segment, int pages) {}
