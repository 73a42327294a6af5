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
    return Stream.of(durable(), reads(), history(), rest()).flatMap(List::stream).toList();
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

  private static Mutation one(String type, String method, Edit edit) {
    return new Mutation(type, method, edit, 0, 1);
  }
}
