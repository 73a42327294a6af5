package dev.varve.timeline;

import dev.varve.model.Lsn;
import java.time.Instant;

/// A promise that a timeline can be read as of an LSN until a moment, whatever the GC cutoff. It
/// survives restarts.
public record Lease(Lsn lsn, Instant until) {}
