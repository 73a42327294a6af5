package dev.varve.simulation;

import dev.varve.simulation.Mutant.Mutation;
import java.util.List;

/// Bugs in what is made of the small files and objects that name others: those of timelines and
/// tenants on disk, manifests and index parts in the object store.
final class NamingMutants {

  private NamingMutants() {}

  static List<Mutant> all() {
    return List.of(
        Mutant.of(
            "the checksum of a small file is not checked",
            one("timeline.CheckedJson", "contentOf", Edit.jump("equals"))),
        Mutant.of(
            "an index part in the store that can't be read counts as none",
            one("timeline.Attaching", "read", Edit.planted("findNewest", "findReadable"))),
        Mutant.of(
            "an index part that was lost counts as the first when all layers were evicted",
            one("timeline.TimelineFiles", "firstIndex", Edit.jump("exists"))),
        Mutant.of(
            "the manifest names only timelines that can be used here",
            one("timeline.RemoteTenant", "attach", Edit.omit("manifest"))),
        Mutant.of(
            "a tenant is attached although its own file can't be read",
            one("timeline.Attachment", "attempt", Edit.jump("read"))),
        Mutant.of(
            "a tenant whose own file can't be read is in no object store",
            one("timeline.TenantFiles", "isStored", Edit.constant(1, 0))));
  }

  private static Mutation one(String type, String method, Edit edit) {
    return new Mutation(type, method, edit, 0, 1);
  }
}
