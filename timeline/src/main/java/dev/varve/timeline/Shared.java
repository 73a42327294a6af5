package dev.varve.timeline;

import dev.varve.layer.LayerFiles;
import dev.varve.layer.MemoryBudget;
import dev.varve.model.TenantId;
import dev.varve.task.TaskManager;
import java.util.Set;

/// What all timelines of a server share.
///
/// @param model what is stored
/// @param unknown tenants with timelines of which it can't be read what they need of others
/// @param progress fires whenever a flush has ended or a timeline goes: for writers that wait
record Shared(
    TaskManager tasks,
    TimelineSettings settings,
    MemoryBudget budget,
    LayerFiles files,
    DataModel model,
    Set<TenantId> unknown,
    PageCache pages,
    PageBuilders builders,
    Signal progress) {}
