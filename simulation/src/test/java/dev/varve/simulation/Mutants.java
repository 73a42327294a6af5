package dev.varve.simulation;

import dev.varve.simulation.Mutant.Mutation;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.List;
import java.util.stream.Stream;

/// The bugs that the simulation must find.
final class Mutants {

  private Mutants() {}

  static List<Mutant> all() {
    return Stream.of(
            durable(),
            order(),
            reads(),
            many(),
            cache(),
            history(),
            needed(),
            reload(),
            damage(),
            rest(),
            stored(),
            moved(),
            configured(),
            fetched(),
            NamingMutants.all())
        .flatMap(List::stream)
        .toList();
  }

  /// What is written, and what counts of it.
  private static List<Mutant> durable() {
    return List.of(
        Mutant.of(
            "a layer file is not synced before it is renamed",
            one("layer.LayerFiles", "commit", Edit.omit("force"))),
        Mutant.of(
            "the directory of a new layer file is not synced",
            one("layer.LayerFiles", "syncDirectory", Edit.omit("force"))),
        Mutant.of(
            "the index part is not synced before it is renamed",
            one("timeline.DurableFile", "write", Edit.omit("force"))),
        Mutant.of(
            "the directory is not synced after the index part was renamed",
            one("timeline.DurableFile", "syncDirectory", Edit.omit("force"))),
        Mutant.of(
            "disk_consistent_lsn is one too high",
            one("timeline.Flush", "commit", Edit.plus("end", 1))),
        Mutant.of(
            "the newest frozen layer is flushed first, so that disk_consistent_lsn is too early",
            one("timeline.LayerMap", "oldestFrozen", Edit.instead("getLast", "getFirst"))),
        Mutant.of(
            "a flush leaves out the last key",
            new Mutation("layer.MemoryCursor", "<init>", Edit.plus("firstNotBelow", -1), 1, 2)),
        Mutant.of(
            "half records of an abandoned writer are flushed",
            one("timeline.Flush", "writeFile", Edit.fallThrough("compareUnsigned"))));
  }

  /// What reads make of it.
  private static List<Mutant> reads() {
    return List.of(
        Mutant.of(
            "half records of an abandoned writer are read",
            new Mutation("timeline.PageReader", "walk", Edit.firstArgumentOf("min"), 1, 2)),
        Mutant.of(
            "the floor of a read is one too high",
            one("timeline.PageBuilder", "floor", Edit.constant(1L, 2L))),
        Mutant.of(
            "a branch has one LSN too much of its ancestor",
            new Mutation("timeline.PageReader", "walk", Edit.plus("endAfter", 1), 1, 2)),
        Mutant.of(
            "the ancestor is not cut at the branch point",
            new Mutation("timeline.PageReader", "walk", Edit.firstArgumentOf("min"), 0, 2)),
        Mutant.of(
            "the checksum of a block is not checked",
            one("layer.BlockFrame", "check", Edit.jump("crc"))),
        Mutant.of(
            "a read does not hold the layers that it reads",
            one("timeline.PageReader", "walkOwn", Edit.instead("acquire", "peek")),
            new Mutation("timeline.PageReader", "walkOwn", Edit.omit("release"), -1, 2)),
        Mutant.of(
            "files that the index part does not name are not deleted at start",
            one("timeline.Loading", "look", Edit.omit("deleteUnlisted"))),
        Mutant.of(
            "a walk over a layer file leaves out the first key of its range",
            new Mutation("layer.FileCursor", "next", Edit.shift("compare"), 1, 2)),
        Mutant.of(
            "a data block gives the version at the end of the LSN range",
            new Mutation("layer.DataBlock", "versions", Edit.shift("compareUnsigned"), 1, 2)));
  }

  /// Merges, and what they keep.
  private static List<Mutant> history() {
    return List.of(
        Mutant.of(
            "a merge begins layers that start at the present key too late",
            one("timeline.MergeSources", "isDue", Edit.shift("compare"))),
        Mutant.of(
            "the first key that was not merged counts as merged",
            one("timeline.LayerEntry", "keys", Edit.nextOf("from"))),
        Mutant.of(
            "a scan sees what a merge has moved away",
            one("timeline.Scan", "openLayers", Edit.firstArgumentOf("common"))),
        Mutant.of(
            "history is dropped one LSN beyond the GC cutoff",
            one("timeline.Compaction", "history", Edit.plus("bottomCutoff", 1))),
        Mutant.of(
            "what a branch point needs is dropped when newer images follow",
            one("timeline.NeededVersions", "add", Edit.omit("writeChain"))),
        Mutant.of(
            "a block that begins with the version that is wanted is not looked at",
            new Mutation("layer.IndexBlock", "lastBefore", Edit.constant(1, 2), 4, 5)),
        Mutant.of(
            "branch points are not retained",
            one("timeline.Branching", "retain", Edit.omit("retain")),
            one("timeline.Loading", "assemble", Edit.omit("retain"))),
        Mutant.of(
            "branch points are forgotten at a restart",
            one("timeline.Loading", "assemble", Edit.omit("retain"))),
        Mutant.of(
            "leases are not retained",
            one("timeline.GarbageCollection", "retainedBefore", Edit.omit("add"))),
        Mutant.of(
            "tombstones are dropped in a branch",
            one("timeline.NeededVersions", "isTombstone", Edit.fallThrough("nothingBefore"))));
  }

  /// Timelines that rest.
  private static List<Mutant> rest() {
    ClassDesc part = ClassDesc.of("dev.varve.timeline.IndexPart");
    ClassDesc head = ClassDesc.of("dev.varve.timeline.IndexHead");
    return List.of(
        Mutant.of(
            "the first change after a rest loses the list of layers",
            one(
                "timeline.DurableIndex",
                "wake",
                Edit.putAs(
                    "part",
                    code ->
                        code.invokevirtual(part, "head", MethodTypeDesc.of(head))
                            .invokestatic(part, "withoutLayers", MethodTypeDesc.of(part, head))))),
        Mutant.of(
            "a timeline rests while its layers are merged",
            one("timeline.LayerMaps", "rest", Edit.fallThrough("keepers"))),
        Mutant.of(
            "a timeline rests while it is read",
            one("timeline.LayerMap", "claim", Edit.fallThrough("compareAndSet"))),
        Mutant.of(
            "a timeline rests with layers in memory",
            one("timeline.LayerMap", "claim", Edit.fallThrough("isEmpty"))));
  }

  /// What must be durable before something else.
  private static List<Mutant> order() {
    return List.of(
        Mutant.of(
            "the GC cutoff counts before it is durable",
            one("timeline.GarbageCollection", "run", Edit.planted("change", "changeInMemory"))),
        Mutant.of(
            "a lease counts before it is durable",
            one("timeline.GarbageCollection", "lease", Edit.planted("change", "changeInMemory"))),
        Mutant.of(
            "merged files are deleted before the index part is without them",
            one("timeline.Compaction", "commit", Edit.planted("commit", "commitTooLate"))),
        Mutant.of(
            "a merge makes its index part before it is its turn",
            one("timeline.Compaction", "commit", Edit.planted("commit", "commitTooEarly"))),
        Mutant.of(
            "images ahead of what is durable count after a restart",
            one("timeline.Loading", "withoutFuture", Edit.omit("isAfter"))),
        Mutant.of(
            "that a timeline is stopped is not synced",
            new Mutation("timeline.TimelineFiles", "setStopped", Edit.omit("syncDirectory"), 1, 2)),
        Mutant.of(
            "that a timeline is started is not synced",
            new Mutation("timeline.TimelineFiles", "setStopped", Edit.omit("syncDirectory"), 0, 2)),
        Mutant.of(
            "a stop that failed counts after a restart",
            one("timeline.TimelineFiles", "setStopped", Edit.omit("setStopped"))));
  }

  /// Reads of many pages.
  private static List<Mutant> many() {
    return List.of(
        Mutant.of(
            "a batch does not hold the layers that it reads",
            one("timeline.HeldMaps", "of", Edit.instead("acquire", "peek")),
            one("timeline.HeldMaps", "close", Edit.omit("forEach"))),
        Mutant.of(
            "a batch looks for its ancestor's pages in its own layers",
            one("timeline.HeldMaps", "of", Edit.fallThrough("isSame"))),
        Mutant.of(
            "a read of a branch does not wait for its ancestor",
            one("timeline.PageReader", "requireUpTo", Edit.omit("await"))));
  }

  /// Pages that are kept.
  private static List<Mutant> cache() {
    return List.of(
        Mutant.of(
            "timelines share their pages in the cache",
            one("timeline.PageCache", "newOwner", Edit.instead("incrementAndGet", "get"))),
        Mutant.of(
            "the cache gives a page that is newer than what is asked for",
            new Mutation(
                "timeline.PageCache", "newest", Edit.fallThrough("compareUnsigned"), 0, 2)),
        Mutant.of(
            "a page of a branch is kept for its ancestor as if nothing had come after",
            one("timeline.PageReader", "keep", Edit.firstArgumentOf("min"))),
        Mutant.of(
            "a cached page counts for one LSN too much",
            one("timeline.PageBuilder", "takeCached", Edit.plus("min", 1))));
  }

  /// What merges keep for others.
  private static List<Mutant> needed() {
    return List.of(
        Mutant.of(
            "a version at an LSN that is needed counts for the next one",
            new Mutation("timeline.NeededVersions", "add", Edit.shift("compareUnsigned"), -1, 2)),
        Mutant.of(
            "what is needed of the history before the branch point is not noted there",
            one("timeline.GarbageCollection", "retain", Edit.omit("retain"))),
        Mutant.of(
            "a lease of history before the branch point is not noted there",
            one("timeline.GarbageCollection", "lease", Edit.omit("lease"))),
        Mutant.of(
            "that nobody asks for a table counts for the tables after it",
            one("timeline.NeededVersions", "isDropped", Edit.fallThrough("compare"))),
        Mutant.of(
            "a drop of history begins in the middle of what is stored of a key",
            new Mutation(
                "timeline.CompactionPolicy", "closedStart", Edit.jump("compareTo"), 0, 2)));
  }

  /// Timelines that are loaded.
  private static List<Mutant> reload() {
    return List.of(
        Mutant.of(
            "what a merge has moved away is back after a restart",
            one("timeline.IndexJson", "entry", Edit.fallThrough("isEmpty"))),
        Mutant.of(
            "branches go on to read through a broken timeline",
            one("timeline.Reloading", "replace", Edit.omit("setAncestor"))),
        Mutant.of(
            "branch points are forgotten when a timeline is loaded again",
            new Mutation("timeline.Reloading", "replace", Edit.omit("forEach"), 0, 2),
            one("timeline.Reloading", "replace", Edit.omit("retain"))),
        Mutant.of(
            "history is dropped while it is not known what branches need",
            one("timeline.Compaction", "history", Edit.fallThrough("contains"))));
  }

  /// Files that are damaged or missing.
  private static List<Mutant> damage() {
    return List.of(
        Mutant.of(
            "history is dropped while a file is damaged",
            one("timeline.Compaction", "history", Edit.jump("isEmpty"))),
        Mutant.of(
            "a file that was put back is not opened",
            one("timeline.DamagedFiles", "findDamageOfFile", Edit.omit("reopen"))),
        Mutant.of(
            "damage that a read meets is not noted",
            one("timeline.PageReader", "failed", Edit.omit("note"))),
        Mutant.of(
            "a broken timeline is not tried again",
            one("timeline.Reloading", "attempt", Edit.negate("isBroken"))));
  }

  /// What is in the object store, and in which order it comes there.
  private static List<Mutant> stored() {
    return List.of(
        Mutant.of(
            "an index part is put before its layers",
            one("timeline.Uploads", "uploadAwake", Edit.omit("run"))),
        Mutant.of(
            "what a new index part will not name is deleted before it is put",
            one("timeline.Uploads", "uploadAwake", Edit.planted("put", "deleteAndPut"))),
        Mutant.of(
            "objects are deleted without asking whether the tenant is another's",
            one("timeline.RemoteTenant", "delete", Edit.planted("validate", "validated"))),
        Mutant.of(
            "an upload counts before it is known whether the tenant is another's",
            one("timeline.Uploads", "prove", Edit.planted("validate", "validated"))),
        Mutant.of(
            "objects are deleted while they are read",
            one("timeline.UploadProgress", "isFree", Edit.fallThrough("test"))),
        Mutant.of(
            "a name of a layer is used again",
            one("timeline.DurableIndex", "newName", Edit.instead("getAndIncrement", "get")),
            one("timeline.DurableIndex", "newName", Edit.omit("exists"))),
        Mutant.of(
            "a layer is evicted that is not uploaded",
            one("timeline.EvictableLayers", "isEvictable", Edit.fallThrough("isSafe"))),
        Mutant.of(
            "index parts do not wait for the manifest",
            one("timeline.Uploads", "upload", Edit.fallThrough("isCurrent")),
            one("timeline.Uploads", "uploadAwake", Edit.jump("isCurrent"))));
  }

  /// How a tenant goes to another node.
  private static List<Mutant> moved() {
    return List.of(
        Mutant.of(
            "a tenant is attached without a new generation",
            new Mutation(
                "timeline.Attaching", "attach", Edit.planted("attach", "attachAsBefore"), 0, 2)),
        Mutant.of(
            "an older index part is taken when a tenant is attached",
            one("timeline.StoredIndex", "listed", Edit.instead("max", "min")),
            one("timeline.NewestObject", "find", Edit.jump("compareTo"))),
        Mutant.of(
            "a list is trusted that may be stale",
            one("timeline.NewestObject", "find", Edit.jump("compareTo"))),
        Mutant.of(
            "index parts are not put again by who attaches a tenant",
            one("timeline.Attaching", "put", Edit.omit("run"))),
        Mutant.of(
            "a node that begins takes its tenant back from one that attaches it just now",
            new Mutation(
                "timeline.Attachment",
                "attempt",
                Edit.planted("attachIfNewest", "attachAnyway"),
                0,
                2)),
        Mutant.of(
            "a node does not look whether another has its tenant",
            new Mutation("timeline.Attachment", "attempt", Edit.jump("isPresent"), -1, 2)));
  }

  /// What is set for a tenant.
  private static List<Mutant> configured() {
    return List.of(
        Mutant.of(
            "what is set for a tenant has no effect",
            one(
                "timeline.TenantRecords$Entry",
                "pitrInterval",
                Edit.planted("orElse", "otherwise"))),
        Mutant.of(
            "what is set for a tenant is forgotten at a restart",
            one("timeline.TenantRecords$Entry", "change", Edit.omit("write"))),
        Mutant.of(
            "what failed to be set comes back after a restart",
            one("timeline.TenantRecords$Entry", "change", Edit.fallThrough("isUnsure"))),
        Mutant.of(
            "what is set for a tenant does not come with it",
            one("timeline.Attaching", "attach", Edit.planted("configuration", "nothingSet"))),
        Mutant.of(
            "a tenant is detached before the store has what is set for it",
            one("timeline.Detaching", "secure", Edit.omit("requireManifest"))));
  }

  /// Files that come back from the object store.
  private static List<Mutant> fetched() {
    return List.of(
        Mutant.of(
            "a layer file that was fetched is not synced before it has its name",
            one("timeline.Downloads", "write", Edit.omit("force"))),
        Mutant.of(
            "a layer is not known to be here once it was fetched",
            one("timeline.Downloads", "fetch", Edit.omit("makeResident"))),
        Mutant.of(
            "what a timeline was branched from is not fetched with it",
            one("timeline.AbsentLayers$Search", "addAll", Edit.omit("ancestorTimeline"))),
        Mutant.of(
            "a damaged file is not fetched from the object store",
            one("timeline.Upkeep", "fetchAgain", Edit.omit("want"))),
        Mutant.of(
            "a file that was fetched in the place of a damaged one is not opened",
            one("timeline.Downloads", "replace", Edit.omit("lookAt"))),
        Mutant.of(
            "a damaged file is uploaded",
            one("timeline.LayerPut", "requireWritten", Edit.jump("crc"))),
        Mutant.of(
            "a damaged object is the damage of nothing",
            one("timeline.DamagedFiles", "look", Edit.omit("findDamageOfObject"))));
  }

  private static Mutation one(String type, String method, Edit edit) {
    return new Mutation(type, method, edit, 0, 1);
  }
}
