/// Tenants and timelines: ingest, read, flush, branch. Knows nothing of PostgreSQL.
@NullMarked
package dev.varve.timeline;

import org.jspecify.annotations.NullMarked;
