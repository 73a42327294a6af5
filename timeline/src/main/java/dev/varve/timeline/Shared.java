package dev.varve.timeline;

import dev.varve.layer.LayerFiles;
import dev.varve.layer.MemoryBudget;
import dev.varve.model.TenantId;
import dev.varve.task.TaskManager;
import java.util.Set;
import java.util.function.IntFunction;

/// What all timelines of a server share.
///
/// @param commits what was committed when
/// @param unknown tenants with timelines of which it can't be read what they need of others
/// @param progress fires whenever a flush has ended or a timeline goes: for writers that wait
record Shared(
    TaskManager tasks,
    TimelineSettings settings,
    MemoryBudget budget,
    LayerFiles files,
    IntFunction<PageRedo> redo,
    CommitClock commits,
    Set<TenantId> unknown,
    PageBuilders builders,
    Signal progress) {}
