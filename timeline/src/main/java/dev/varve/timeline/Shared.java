package dev.varve.timeline;

import dev.varve.layer.LayerFiles;
import dev.varve.layer.MemoryBudget;
import dev.varve.task.TaskManager;
import java.util.function.IntFunction;

/// What all timelines of a server share.
///
/// @param progress fires whenever a flush has ended or a timeline goes: for writers that wait
record Shared(
    TaskManager tasks,
    TimelineSettings settings,
    MemoryBudget budget,
    LayerFiles files,
    IntFunction<PageRedo> redo,
    PageBuilders builders,
    Signal progress) {}
