package dev.varve.server.http;

import dev.varve.model.PageserverException.InvalidRequest;
import dev.varve.server.imports.ImportJob;
import dev.varve.server.imports.Imports;
import java.io.IOException;
import java.nio.file.Path;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Imports: beginning them, and asking how far they are.
final class ImportRoutes {

  private final Imports imports;

  ImportRoutes(Imports imports) {
    this.imports = imports;
  }

  void begin(Call call) throws IOException {
    ObjectNode body = call.body();
    String name = Call.requiredText(body, "name");
    TenantRoutes.requireName(name);
    var from = Call.text(body, "from");
    var tar = Call.text(body, "tar");
    if (from.isPresent() == tar.isPresent()) {
      throw new InvalidRequest("an import is \"from\" a server or of a \"tar\": say one of them");
    }
    ImportJob job =
        from.isPresent()
            ? Call.parse(from.get(), text -> imports.online(name, text))
            : imports.backup(
                name,
                Call.parse(tar.orElseThrow(), Path::of),
                Call.text(body, "wal").map(wal -> Call.parse(wal, Path::of)).orElse(null));
    call.answer(202, json(job));
  }

  void progress(Call call) throws IOException {
    call.answer(200, json(imports.find(call.path("import_id"))));
  }

  private static ObjectNode json(ImportJob job) {
    ObjectNode json = Call.JSON.createObjectNode();
    json.put("import_id", job.id());
    json.put("name", job.name());
    json.put("state", !job.ended() ? "running" : job.error().isPresent() ? "failed" : "done");
    json.put("phase", job.phase());
    json.put("bytes_done", job.bytesDone());
    json.put("bytes_total", job.bytesTotal());
    json.put("error", job.error().orElse(null));
    ArrayNode warnings = json.putArray("warnings");
    job.warnings().forEach(warnings::add);
    return json;
  }
}
