package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a data directory knows of a tenant that is in an object store: its `tenant.json`, {@link
/// CheckedJson}:
///
/// | member          | content                                       |
/// |-----------------|-----------------------------------------------|
/// | `format`        | {@value #FORMAT}                              |
/// | `tenant`        | its id                                        |
/// | `generation`    | 8 hex digits: the last in which it was here   |
/// | `configuration` | of texts: what was set for the tenant         |
record TenantRecord(TenantId tenant, Generation generation, Map<String, String> configuration) {

  static final int FORMAT = 1;

  TenantRecord {
    configuration = Map.copyOf(configuration);
  }

  /// Of a tenant that was never in an object store.
  static TenantRecord of(TenantId tenant) {
    return new TenantRecord(tenant, Generation.NONE, Map.of());
  }

  TenantRecord withGeneration(Generation newGeneration) {
    return new TenantRecord(tenant, newGeneration, configuration);
  }

  byte[] bytes() {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("tenant", tenant.toString());
    json.put("generation", generation.toString());
    CheckedJson.put(configuration, json.putObject("configuration"));
    return CheckedJson.bytes(json);
  }

  /// @throws IOException with a sentence, when the file is not what was written
  static TenantRecord read(Path file, TenantId tenant) throws IOException {
    JsonNode json = CheckedJson.read(file);
    CheckedJson.requireFormat(json, FORMAT, file.toString());
    try {
      TenantId said = TenantId.parse(CheckedJson.text(json, "tenant"));
      if (!said.equals(tenant)) {
        throw new IllegalArgumentException("it is of tenant " + said);
      }
      return new TenantRecord(
          tenant,
          Generation.parse(CheckedJson.text(json, "generation")),
          CheckedJson.texts(json.path("configuration")));
    } catch (IllegalArgumentException e) {
      throw new UnusableFileException(file + " is damaged: " + e.getMessage(), e);
    }
  }
}
