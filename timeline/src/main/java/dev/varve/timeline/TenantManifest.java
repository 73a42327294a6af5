package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Which timelines a tenant has, in the object store: their constants, whereas what changes of a
/// timeline is in its {@link IndexPart}. {@link CheckedJson}:
///
/// | member          | content                                            |
/// |-----------------|----------------------------------------------------|
/// | `format`        | {@value #FORMAT}                                   |
/// | `tenant`        | its id                                             |
/// | `configuration` | of texts: {@link TenantConfiguration}              |
/// | `timelines`     | of {@link IdentityJson}, in the order of their ids |
///
/// It changes when an import ends, when a timeline is branched or deleted, and when something is
/// set for the tenant.
///
/// @param timelines in the order of their ids
/// @param configuration what was set for the tenant
public record TenantManifest(
    TenantId tenant, List<TimelineIdentity> timelines, Map<String, String> configuration) {

  static final int FORMAT = 1;

  /// @throws IllegalArgumentException when a timeline is there twice, or of another tenant
  public TenantManifest {
    var sorted = new ArrayList<>(timelines);
    sorted.sort(Comparator.comparing(identity -> identity.id().toString()));
    timelines = List.copyOf(sorted);
    configuration = Map.copyOf(configuration);
    Set<TimelineId> ids = new HashSet<>();
    for (TimelineIdentity identity : timelines) {
      if (!identity.tenant().equals(tenant)) {
        throw new IllegalArgumentException(
            "timeline " + identity.id() + " is of tenant " + identity.tenant());
      }
      if (!ids.add(identity.id())) {
        throw new IllegalArgumentException("timeline " + identity.id() + " is there twice");
      }
    }
  }

  /// This, with only some of its timelines.
  TenantManifest only(List<TimelineIdentity> some) {
    return new TenantManifest(tenant, some, configuration);
  }

  boolean names(TimelineId id) {
    return timelines.stream().anyMatch(identity -> identity.id().equals(id));
  }

  byte[] bytes() {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("tenant", tenant.toString());
    CheckedJson.put(configuration, json.putObject("configuration"));
    ArrayNode all = json.putArray("timelines");
    timelines.forEach(identity -> all.add(IdentityJson.write(identity)));
    return CheckedJson.bytes(json);
  }

  /// @param source where the bytes are from, for messages
  /// @throws UnusableFileException with a sentence, when they are not what was written, or were
  ///   written by a newer version, or for another tenant
  static TenantManifest read(byte[] bytes, TenantId tenant, String source)
      throws UnusableFileException {
    JsonNode json = CheckedJson.read(bytes, source);
    CheckedJson.requireFormat(json, FORMAT, source);
    List<TimelineIdentity> timelines = new ArrayList<>();
    for (JsonNode identity : json.path("timelines")) {
      timelines.add(IdentityJson.read(identity, source));
    }
    try {
      TenantId said = TenantId.parse(CheckedJson.text(json, "tenant"));
      if (!said.equals(tenant)) {
        throw new IllegalArgumentException("it is of tenant " + said);
      }
      return new TenantManifest(tenant, timelines, CheckedJson.texts(json.path("configuration")));
    } catch (IllegalArgumentException e) {
      throw new UnusableFileException(source + " is damaged: " + e.getMessage(), e);
    }
  }
}
