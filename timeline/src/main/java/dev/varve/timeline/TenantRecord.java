package dev.varve.timeline;

import dev.varve.model.TenantId;
import dev.varve.remote.generation.Generation;
import java.io.IOException;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What a data directory knows of a tenant that is in an object store, or for which something was
/// set: its `tenant.json`, {@link CheckedJson}:
///
/// | member          | content                                       |
/// |-----------------|-----------------------------------------------|
/// | `format`        | {@value #FORMAT}                              |
/// | `tenant`        | its id                                        |
/// | `generation`    | 8 hex digits: the last in which it was here; 0: never in an object store |
/// | `manifest`      | whether the store has had a manifest of it; absent: no |
/// | `configuration` | of texts: {@link TenantConfiguration}         |
///
/// @param hasManifest whether the store has had a manifest of it: one that has none is not that
///   store
record TenantRecord(
    TenantId tenant, Generation generation, boolean hasManifest, TenantConfiguration settings) {

  static final int FORMAT = 1;

  /// Of a tenant that was never in an object store, and for which nothing was set.
  static TenantRecord of(TenantId tenant) {
    return new TenantRecord(tenant, Generation.NONE, false, TenantConfiguration.NONE);
  }

  TenantRecord withGeneration(Generation newGeneration) {
    return new TenantRecord(tenant, newGeneration, hasManifest, settings);
  }

  TenantRecord withManifest() {
    return new TenantRecord(tenant, generation, true, settings);
  }

  TenantRecord withSettings(TenantConfiguration newSettings) {
    return new TenantRecord(tenant, generation, hasManifest, newSettings);
  }

  /// Whether an object store has something of it, or may have.
  boolean isStored() {
    return !generation.equals(Generation.NONE);
  }

  byte[] bytes() {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("tenant", tenant.toString());
    json.put("generation", generation.toString());
    if (hasManifest) {
      json.put("manifest", true);
    }
    CheckedJson.put(settings.texts(), json.putObject("configuration"));
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
          json.path("manifest").asBoolean(false),
          new TenantConfiguration(CheckedJson.texts(json.path("configuration"))));
    } catch (IllegalArgumentException e) {
      throw new UnusableFileException(file + " is damaged: " + e.getMessage(), e);
    }
  }
}
