package dev.varve.timeline;

import dev.varve.layer.LayerName;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import dev.varve.remote.ObjectName;
import dev.varve.remote.generation.Generation;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What an object in the store is, as its name says it:
///
/// | object                   | name                                                             |
/// |--------------------------|------------------------------------------------------------------|
/// | {@link TenantManifest}   | `tenants/<tenant>/manifest-<generation>`                         |
/// | {@link IndexPart}        | `tenants/<tenant>/timelines/<timeline>/index-<generation>`       |
/// | a layer file             | `tenants/<tenant>/timelines/<timeline>/<file name>-<generation>` |
///
/// Tenant and timeline are 32 lower-case hex digits, a generation is 8 of them: the generation of
/// whoever wrote the object. So two nodes that both believe they have a tenant never write the same
/// object; of manifests and index parts, the one of the highest generation counts.
public sealed interface RemoteName {

  TenantId tenant();

  /// In which it was written.
  Generation generation();

  /// Whose it is; empty: the tenant's.
  default Optional<TimelineId> ofTimeline() {
    return switch (this) {
      case Manifest _ -> Optional.empty();
      case Index index -> Optional.of(index.timeline());
      case LayerFile layer -> Optional.of(layer.timeline());
    };
  }

  /// The name itself.
  ObjectName object();

  /// Which timelines a tenant has.
  record Manifest(TenantId tenant, Generation generation) implements RemoteName {
    @Override
    public ObjectName object() {
      return new ObjectName(manifests(tenant) + generation);
    }
  }

  /// Which layers a timeline has.
  record Index(TenantId tenant, TimelineId timeline, Generation generation) implements RemoteName {
    @Override
    public ObjectName object() {
      return new ObjectName(indexParts(tenant, timeline) + generation);
    }
  }

  /// The bytes of a layer file.
  record LayerFile(TenantId tenant, TimelineId timeline, LayerName layer, Generation generation)
      implements RemoteName {
    @Override
    public ObjectName object() {
      return new ObjectName(inTimeline(tenant, timeline) + layer.fileName() + "-" + generation);
    }
  }

  /// What the names of all manifests of a tenant begin with.
  static String manifests(TenantId tenant) {
    return "tenants/" + tenant + "/manifest-";
  }

  /// What the names of all objects of a timeline begin with.
  static String inTimeline(TenantId tenant, TimelineId timeline) {
    return "tenants/" + tenant + "/timelines/" + timeline + "/";
  }

  /// What the names of all index parts of a timeline begin with.
  static String indexParts(TenantId tenant, TimelineId timeline) {
    return inTimeline(tenant, timeline) + "index-";
  }

  /// Reads what {@link #object()} gives, and nothing else.
  static Optional<RemoteName> parse(ObjectName object) {
    Matcher parts = Form.PATTERN.matcher(object.value());
    if (!parts.matches()) {
      return Optional.empty();
    }
    TenantId tenant = TenantId.parse(parts.group("tenant"));
    Generation generation = Generation.parse(parts.group("generation"));
    String id = parts.group("timeline");
    String name = parts.group("name");
    if (id == null || name == null) {
      return Optional.of(new Manifest(tenant, generation));
    }
    TimelineId timeline = TimelineId.parse(id);
    if (name.equals("index")) {
      return Optional.of(new Index(tenant, timeline, generation));
    }
    return LayerName.parse(name)
        .filter(layer -> layer.fileName().equals(name)) // one name for each
        .map(layer -> new LayerFile(tenant, timeline, layer, generation));
  }

  /// How names look.
  final class Form {

    private static final Pattern PATTERN =
        Pattern.compile(
            "tenants/(?<tenant>[0-9a-f]{32})/"
                + "(?:manifest|timelines/(?<timeline>[0-9a-f]{32})/(?<name>[^/]+))"
                + "-(?<generation>[0-9a-f]{8})");

    private Form() {}
  }
}
