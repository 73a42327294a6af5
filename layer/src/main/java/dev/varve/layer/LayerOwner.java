package dev.varve.layer;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;

/// Whose layer file it is; stands in the file's header and is checked when the file is opened.
public record LayerOwner(TenantId tenant, TimelineId timeline) {}
