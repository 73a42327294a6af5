package dev.varve.task;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/// A task as it was at one moment, for people and for the HTTP API.
///
/// @param runs how often it has begun
/// @param failures how often in a row it has failed; 0 after a run that ended well
/// @param lastFailure what went wrong most recently, even if runs since ended well
/// @param nextRun when it runs again, for a task that is scheduled or backing off
public record TaskReport(
    TaskKind kind,
    String name,
    @Nullable String lane,
    TaskState state,
    long runs,
    int failures,
    @Nullable String lastFailure,
    @Nullable Instant nextRun) {}
