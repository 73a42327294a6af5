package dev.varve.walreceiver;

import dev.varve.model.Lsn;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A WAL receiver as it was at one moment, for people and for the HTTP API; holds no secrets.
///
/// @param source user, host and port
/// @param slot that keeps WAL for us at the source; null for none
/// @param received the end of the last byte that came
/// @param sourceEnd up to where the source had WAL when it last said so
/// @param flushed what we last told the source that it may forget
/// @param lastMessage when the source was last heard of; null for not yet
/// @param lastError one sentence on why the last connection ended; null if none has
public record WalReceiverStatus(
    ReceiverState state,
    String source,
    @Nullable String slot,
    Lsn received,
    Lsn sourceEnd,
    Lsn flushed,
    @Nullable Instant lastMessage,
    @Nullable String lastError) {}
