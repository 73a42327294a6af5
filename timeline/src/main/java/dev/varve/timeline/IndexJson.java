package dev.varve.timeline;

import dev.varve.layer.LayerName;
import dev.varve.model.Key;
import dev.varve.model.Lsn;
import dev.varve.remote.generation.Generation;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// An {@link IndexPart} as JSON, the same on the local disk and in the object store:
///
/// | member                | content                                                          |
/// |-----------------------|------------------------------------------------------------------|
/// | `format`              | {@value #FORMAT}                                                 |
/// | `disk_consistent_lsn` | an LSN, as PostgreSQL prints it; so are all others               |
/// | `readable_from`       | an LSN: the GC cutoff                                            |
/// | `imported`            | whether the first data is complete                               |
/// | `next_copy`           | the number of the next layer file, from format 3 on              |
/// | `leases`              | of each `lsn` and `until`; only if there are any                 |
/// | `layers`              | of each `name`, `bytes`, `crc32c`; from format 2 on `level` and  |
/// |                       | `from`; from format 3 on `generation`, 8 hex digits              |
///
/// Up to format 2 nothing was uploaded: layers were written in no generation, and any number above
/// those of the layers that are there will do for the next.
final class IndexJson {

  static final int FORMAT = 3;

  private static final long MOST_COPIES = 1L << 32;

  private IndexJson() {}

  static ObjectNode write(IndexPart index) {
    ObjectNode json = CheckedJson.object();
    json.put("format", FORMAT);
    json.put("disk_consistent_lsn", index.diskConsistentLsn().toString());
    json.put("readable_from", index.readableFrom().toString());
    json.put("imported", index.imported());
    json.put("next_copy", index.nextCopy());
    if (!index.leases().isEmpty()) {
      ArrayNode leases = json.putArray("leases");
      for (Lease lease : index.leases()) {
        leases
            .addObject()
            .put("lsn", lease.lsn().toString())
            .put("until", lease.until().toString());
      }
    }
    ArrayNode layers = json.putArray("layers");
    for (LayerEntry entry : index.layers()) {
      layers
          .addObject()
          .put("name", entry.name().fileName())
          .put("bytes", entry.bytes())
          .put("crc32c", HexFormat.of().toHexDigits(entry.crc()))
          .put("level", entry.level())
          .put("from", entry.from().toString())
          .put("generation", entry.generation().toString());
    }
    return json;
  }

  /// @param source where the JSON is from, for messages
  /// @throws UnusableFileException with a sentence, when it is not what was written, or was written
  ///   by a newer version
  static IndexPart read(JsonNode json, String source) throws UnusableFileException {
    int format = CheckedJson.requireFormat(json, FORMAT, source);
    try {
      List<LayerEntry> layers = new ArrayList<>();
      for (JsonNode layer : json.path("layers")) {
        layers.add(entry(layer, format));
      }
      List<Lease> leases = new ArrayList<>();
      for (JsonNode lease : json.path("leases")) {
        leases.add(
            new Lease(
                Lsn.parse(CheckedJson.text(lease, "lsn")),
                Instant.parse(CheckedJson.text(lease, "until"))));
      }
      return new IndexPart(
          Lsn.parse(CheckedJson.text(json, "disk_consistent_lsn")),
          Lsn.parse(CheckedJson.text(json, "readable_from")),
          json.path("imported").asBoolean(),
          layers,
          leases,
          format < 3 ? IndexPart.copyAfter(layers) : nextCopy(json));
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new UnusableFileException(source + " is damaged: " + e.getMessage(), e);
    }
  }

  private static long nextCopy(JsonNode json) {
    long next = json.path("next_copy").asLong(-1);
    if (next < 0 || next > MOST_COPIES) {
      throw new IllegalArgumentException("next_copy is missing or no number of a layer");
    }
    return next;
  }

  private static LayerEntry entry(JsonNode layer, int format) {
    String text = CheckedJson.text(layer, "name");
    LayerName name =
        LayerName.parse(text)
            .orElseThrow(() -> new IllegalArgumentException(text + " is no layer"));
    String from = layer.path("from").asString("");
    return new LayerEntry(
        name,
        layer.path("bytes").asLong(),
        HexFormat.fromHexDigits(CheckedJson.text(layer, "crc32c")),
        layer.path("level").asInt(LayerEntry.firstLevel(name)),
        from.isEmpty() ? name.keys().start() : Key.parse(from),
        format < 3 ? Generation.NONE : Generation.parse(CheckedJson.text(layer, "generation")));
  }
}
