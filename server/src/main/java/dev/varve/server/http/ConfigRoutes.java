package dev.varve.server.http;

import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.model.PageserverException.Unavailable;
import dev.varve.model.TenantId;
import dev.varve.timeline.RetentionSettings;
import dev.varve.timeline.TenantConfiguration;
import dev.varve.timeline.Tenants;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What is set for a tenant alone, and what holds for it.
final class ConfigRoutes {

  private final Tenants tenants;

  ConfigRoutes(Tenants tenants) {
    this.tenants = tenants;
  }

  private static TenantId tenant(Call call) {
    return Call.parse(call.path("tenant_id"), TenantId::parse);
  }

  /// What is set, as it can be put again.
  void get(Call call) throws IOException {
    call.answer(200, texts(tenants.configuration(tenant(call))));
  }

  /// Sets all anew: what is null, or not there, is as the server's settings say.
  void put(Call call) throws IOException {
    TenantId tenant = tenant(call);
    Map<String, String> wanted = new HashMap<>();
    for (Map.Entry<String, JsonNode> setting : call.body().properties()) {
      JsonNode value = setting.getValue();
      if (value.isString()) {
        wanted.put(setting.getKey(), value.asString());
      } else if (!value.isNull()) {
        throw new InvalidRequest("\"" + setting.getKey() + "\" takes a text, or null");
      }
    }
    tenants.configure(tenant, wanted);
    call.answer(200, describe(tenant));
  }

  /// A tenant: what is set for it, and what holds, whoever has set it.
  ObjectNode describe(TenantId tenant) {
    ObjectNode json = Call.JSON.createObjectNode().put("id", tenant.toString());
    try {
      TenantConfiguration configuration = tenants.configuration(tenant);
      json.set("configuration", texts(configuration));
      boolean own = configuration.texts().containsKey(TenantConfiguration.PITR_INTERVAL);
      json.put("pitr_interval_from", own ? "tenant" : "server");
      Duration interval = configuration.pitrInterval().orElse(tenants.retention().pitrInterval());
      json.put("pitr_interval", RetentionSettings.text(interval));
    } catch (Unavailable | IllegalArgumentException e) {
      json.put("configuration_error", e.getMessage());
    }
    return json;
  }

  private static ObjectNode texts(TenantConfiguration configuration) {
    ObjectNode json = Call.JSON.createObjectNode();
    configuration.texts().forEach(json::put);
    return json;
  }
}
