package dev.varve.timeline;

import dev.varve.model.Lsn;
import dev.varve.model.TenantId;
import dev.varve.model.TimelineId;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A {@link TimelineIdentity} as JSON: in `timeline.json`, and in the manifest of its tenant.
final class IdentityJson {

  static final int FORMAT = 2;

  private IdentityJson() {}

  static ObjectNode write(TimelineIdentity identity) {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("tenant", identity.tenant().toString());
    json.put("timeline", identity.id().toString());
    json.put("name", identity.name());
    json.put("pg_version", identity.pgVersion());
    identity.ancestor().ifPresent(ancestor -> json.put("ancestor", ancestor.toString()));
    json.put("start", identity.start().toString());
    json.put("created", identity.created().toString());
    CheckedJson.put(identity.properties(), json.putObject("properties"));
    return json;
  }

  /// @param source where the JSON is from, for messages
  /// @throws UnusableFileException with a sentence, when it is not what was written, or was written
  ///   by a newer version
  static TimelineIdentity read(JsonNode json, String source) throws UnusableFileException {
    CheckedJson.requireFormat(json, FORMAT, source);
    try {
      String ancestor = json.path("ancestor").asString("");
      return new TimelineIdentity(
          TenantId.parse(CheckedJson.text(json, "tenant")),
          TimelineId.parse(CheckedJson.text(json, "timeline")),
          CheckedJson.text(json, "name"),
          json.path("pg_version").asInt(),
          ancestor.isEmpty() ? Optional.empty() : Optional.of(TimelineId.parse(ancestor)),
          Lsn.parse(CheckedJson.text(json, "start")),
          Instant.parse(CheckedJson.text(json, "created")),
          CheckedJson.texts(json.path("properties")));
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new UnusableFileException(source + " is damaged: " + e.getMessage(), e);
    }
  }
}
