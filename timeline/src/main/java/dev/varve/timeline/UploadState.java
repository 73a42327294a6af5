package dev.varve.timeline;

import dev.varve.model.Lsn;
import java.time.Instant;
import java.util.Optional;

/// How far a timeline is in the object store, as of one moment.
///
/// @param remoteConsistentLsn all up to here is in the store, and whoever attaches the tenant finds
///   it there: a source of WAL may forget what is before. Zero while it is not known
/// @param waitingSince since when something has changed that is not in the store; small changes
///   wait a while
/// @param waitingLayers how many layer files are not in the store
/// @param waitingBytes their size
/// @param indexPutAt when an index part was put last by this process
/// @param failure why the last attempt failed, a sentence; empty when it did not. It is tried again
/// @param lost why this node has the tenant no more, a sentence; empty when it has
public record UploadState(
    Lsn remoteConsistentLsn,
    Optional<Instant> waitingSince,
    int waitingLayers,
    long waitingBytes,
    Optional<Instant> indexPutAt,
    Optional<String> failure,
    Optional<String> lost) {}
