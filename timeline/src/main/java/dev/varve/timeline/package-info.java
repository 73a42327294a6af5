/// Tenants and timelines: ingest, read, flush, merge, collect, branch, restart. Knows nothing of
/// PostgreSQL: how a change brings a page forward is handed in as {@link
/// dev.varve.timeline.PageRedo}.
///
/// {@link dev.varve.timeline.Tenants} is everything under a data directory; a {@link
/// dev.varve.timeline.Timeline} owns the state of one history; each verb has a class:
///
/// | verb                              | class                                                      |
/// |-----------------------------------|------------------------------------------------------------|
/// | take in versions, one writer      | {@link dev.varve.timeline.Ingest}, `OpenLayer`             |
/// | take in images in any order       | {@link dev.varve.timeline.ImageLoad}                       |
/// | wait when disk or memory is short | `BackPressure`                                             |
/// | write frozen layers to files      | `Flush`                                                    |
/// | merge layer files                 | `Compaction`, `CompactionPolicy`, `Merge`, `KeptVersions`  |
/// | drop history                      | `GarbageCollection`, and then a merge: `NeededVersions`    |
/// | read one key                      | `PageReader`, and what collects: `PageBuilder` and others  |
/// | read a range of keys              | `Scan`                                                     |
/// | make and delete timelines         | `Branching`, `TenantFiles`                                 |
/// | come back after a restart         | `Loading`                                                  |
/// | keep in the object store          | `Uploads`, `RemoteTenant`, `Attachment`                    |
///
/// What always holds:
///
/// 1. Versions are visible up to the last record LSN, whole records at a time; a read as of a later
///    LSN fails, and never gives an older page.
/// 2. A read uses one `LayerMap` from start to end. Readers take no lock; a layer is closed when
///    the last map that names it is out of use.
/// 3. `disk_consistent_lsn` advances only when the index part that says so, and all layers it
///    names, are durable. What is not listed in it does not count, and is deleted at the next
///    start.
/// 4. The GC cutoff is durable before anything that only reads before it need is dropped; branch
///    points, leases and holds are registered before they are compared with it.
/// 5. Changes of what a timeline consists of are steps in its lane, one at a time.
/// 6. Nobody waits for memory, or for a client, while holding a record open or a layer map.
/// 7. What is wrong with one timeline stays with it.
/// 8. An index part in the object store names only layers that are there; a layer is deleted there
///    only when an index part without it is there, and the tenant is known to be this node's. No
///    name of an object comes twice with other content.
@NullMarked
package dev.varve.timeline;

import org.jspecify.annotations.NullMarked;
